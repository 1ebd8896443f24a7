/** Text-to-image focus scores of one decoder layer, in f64 (paper eqs. 9-11 and the variants of its Table 5). */
import { sees } from "./attention.ts";

export type FocusScore = "focus" | "text-to-image" | "sum" | "discounted-sum";

/**
 * F of every text row for every image token; 0 where the row does not see the token.
 *
 * - "focus": `A[j,k] + sum over text rows h != j that j sees of A[j,h] A[h,k]`
 * - "text-to-image": `A[j,k]`
 * - "sum": `A[j,k] + sum over text rows h != j that j sees of A[h,k]`
 * - "discounted-sum": the same with `discount^distance` in the sum, the distance counted in text rows
 *
 * A[h,k] counts as 0 where h does not see k.
 *
 * @param attention A, [T, T]
 * @param textRows [m], the sequence indices of the text tokens, ascending
 * @param imageColumns [n], the sequence indices of the image tokens, ascending
 * @param visible [T, 2], the half-open range of rows that each row sees
 * @returns [m, n]
 */
export function focusScores(
  attention: ArrayLike<number>,
  textRows: readonly number[],
  imageColumns: readonly number[],
  visible: ArrayLike<number>,
  score: FocusScore = "focus",
  discount = 0.9,
): Float64Array {
  const tokens = textRows.length + imageColumns.length;
  const A = (row: number, column: number) => (sees(row, column, { visible }) ? attention[row * tokens + column]! : 0);
  const focus = new Float64Array(textRows.length * imageColumns.length);
  textRows.forEach((j, row) => {
    const weight = (h: number, other: number): number => {
      if (score === "focus") return A(j, h);
      if (score === "text-to-image") return 0;
      return score === "sum" ? 1 : discount ** Math.abs(row - other);
    };
    imageColumns.forEach((k, column) => {
      if (!sees(j, k, { visible })) return;
      let sum = A(j, k);
      textRows.forEach((h, other) => {
        if (h !== j && sees(j, h, { visible })) sum += weight(h, other) * A(h, k);
      });
      focus[row * imageColumns.length + column] = sum;
    });
  });
  return focus;
}
