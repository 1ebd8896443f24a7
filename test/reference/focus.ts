/** Text-to-image focus scores of one decoder layer, in f64 (paper eqs. 9-11 and the variants of its Table 5). */

export type FocusScore = "focus" | "text-to-image" | "sum" | "discounted-sum";

/**
 * F of every text row for every image token; 0 where the row does not see the token.
 *
 * - "focus": `A[j,k] + sum over text rows h < j of A[j,h] A[h,k]`
 * - "text-to-image": `A[j,k]`
 * - "sum": `sum over text rows h <= j of A[h,k]`
 * - "discounted-sum": the same with `discount^distance`, the distance counted in text rows
 *
 * @param attention A, [T, T]
 * @param textRows [m], the sequence indices of the text tokens, ascending
 * @param imageColumns [n], those of the image tokens, ascending
 * @returns [m, n]
 */
export function focusScores(
  attention: ArrayLike<number>,
  textRows: readonly number[],
  imageColumns: readonly number[],
  score: FocusScore = "focus",
  discount = 0.9,
): Float64Array {
  const tokens = textRows.length + imageColumns.length;
  const A = (row: number, column: number) => attention[row * tokens + column]!;
  const focus = new Float64Array(textRows.length * imageColumns.length);
  textRows.forEach((j, row) => {
    imageColumns.forEach((k, column) => {
      let sum = score === "focus" || score === "text-to-image" ? A(j, k) : 0;
      if (score === "focus") {
        for (let r = 0; r < row; r++) sum += A(j, textRows[r]!) * A(textRows[r]!, k);
      } else if (score !== "text-to-image") {
        const base = score === "sum" ? 1 : discount;
        for (let r = 0; r <= row; r++) sum += base ** (row - r) * A(textRows[r]!, k);
      }
      focus[row * imageColumns.length + column] = sum;
    });
  });
  return focus;
}
