/** Where words of an answer looked: from the numbers of its tokens to heat over image tokens. Pure. */
import type { AnswerAttention } from "../../api.ts";
import type { TextRange } from "../../element/words.ts";

/** One word, or some, over the tokens of one picture. */
export interface Look {
  /** [image tokens], the most looked at is 1. */
  heat: Float32Array;
  /** [image tokens], share of tokens and layers in which attention was inhibited. */
  inhibited: Float32Array;
}

/** Tokens of the answer that wrote a part of this range. */
export function tokensOfText(ends: ArrayLike<number>, { start, end }: TextRange): number[] {
  const tokens: number[] = [];
  for (let i = 0; i < ends.length; i++) {
    const from = i === 0 ? 0 : ends[i - 1]!;
    if (from < end && ends[i]! > start) tokens.push(i);
  }
  return tokens;
}

/**
 * @param tokens of the answer; several are averaged
 * @param layer index into `layers`, or "all" for their mean
 * @param columns half-open range of the picture's columns among those of all pictures
 */
export function lookAt(
  { layers }: AnswerAttention,
  tokens: readonly number[],
  layer: number | "all",
  columns: TextRange,
): Look {
  const chosen = layer === "all" ? layers : layers.slice(layer, layer + 1);
  const count = columns.end - columns.start;
  const heat = new Float32Array(count);
  const inhibited = new Float32Array(count);
  const rows = chosen.length * tokens.length;
  for (const { focus, inhibited: mask } of chosen) {
    for (const token of tokens) {
      const row = token * focus.cols + columns.start;
      for (let i = 0; i < count; i++) {
        heat[i]! += focus.data[row + i]! / rows;
        inhibited[i]! += mask[row + i]! / rows;
      }
    }
  }
  const most = heat.reduce((a, b) => Math.max(a, b), 0);
  return { heat: most > 0 ? heat.map((value) => Math.max(0, value) / most) : heat, inhibited };
}
