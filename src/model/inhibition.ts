/**
 * What an `Inhibition` means for one decoder: how much of its image tokens each layer inhibits, and where the cut lies
 * in a sorted row of focus scores (paper, after eq. 11). Pure numbers in f64; the GPU's side is in cmai.ts.
 */
import type { Inhibition } from "../api.ts";
import { checkNumber } from "../shared/assert.ts";
import type { DecoderConfig } from "./config.ts";

export interface InhibitionPlan {
  /** gamma of each layer, the share of image tokens that it inhibits; 0 is a layer with plain attention. */
  ratios: readonly number[];
  /**
   * How a text row weighs the attention of the text rows before it: by its own attention to them ("neighbours", the
   * paper's focus), or by this factor to the power of their distance in text rows. A factor of 1 is the plain sum, of 0
   * the row's own attention alone.
   */
  weighting: "neighbours" | number;
  /** Scaled logits stand for A instead of softmax weights (the paper to the letter). */
  literal: boolean;
  /** One quantile for each image that a row sees, not one over all of them. */
  perImage: boolean;
}

const DEFAULT_DISCOUNT = 0.9;
/** A rank this near to an integer is that integer: 0.6 * 19 / 21 * 35 is 19.000000000000004 in one order of multiplication. */
const RANK_SNAP = 1e-9;

const CHOICES = {
  score: ["focus", "text-to-image", "sum", "discounted-sum"],
  scores: ["weights", "logits"],
  schedule: ["linear", "constant"],
  scope: ["row", "image"],
} as const;

/**
 * Checks an inhibition and works it out for a decoder.
 *
 * @throws TypeError for what is no inhibition or no known choice; RangeError for a number out of range
 */
export function planInhibition(inhibition: Inhibition, { layers }: Pick<DecoderConfig, "layers">): InhibitionPlan {
  if (typeof inhibition !== "object" || inhibition === null)
    throw new TypeError(`inhibition must be an object such as { maxRatio: 0.6 }, got ${String(inhibition)}`);
  const maxRatio = checkNumber("inhibition.maxRatio", inhibition.maxRatio, 0, 1);
  const discount = checkNumber("inhibition.discount", inhibition.discount ?? DEFAULT_DISCOUNT, 0, 1);
  const score = choice(inhibition, "score");
  const weighting = { focus: "neighbours" as const, "text-to-image": 0, sum: 1, "discounted-sum": discount }[score];
  const constant = choice(inhibition, "schedule") === "constant";
  const ratio = (layer: number) => (layers === 1 ? 0 : (maxRatio * layer) / (layers - 1));
  return {
    ratios: Array.from({ length: layers }, (_, layer) => (constant ? maxRatio : ratio(layer))),
    weighting,
    literal: choice(inhibition, "scores") === "logits",
    perImage: choice(inhibition, "scope") === "image",
  };
}

/** The value of a field that is one of `CHOICES`; the first of them where it is missing. */
function choice<N extends keyof typeof CHOICES>(inhibition: Inhibition, name: N): (typeof CHOICES)[N][number] {
  const allowed: readonly string[] = CHOICES[name];
  const value: unknown = inhibition[name] ?? allowed[0];
  if (!allowed.includes(value as string))
    throw new TypeError(
      `inhibition.${name} must be ${allowed.map((word) => `"${word}"`).join(" or ")}, got ${JSON.stringify(value)}`,
    );
  return value as (typeof CHOICES)[N][number];
}

/** Whether no layer inhibits anything, so that the decoder can run as if there were no inhibition. */
export function isOff({ ratios }: InhibitionPlan): boolean {
  return ratios.every((ratio) => ratio === 0);
}

/** Where the threshold lies among `count` ascending scores, from 0: ratio * (count - 1). */
function rankOf(ratio: number, count: number): number {
  const rank = ratio * (count - 1);
  const nearest = Math.round(rank);
  return Math.abs(rank - nearest) <= RANK_SNAP ? nearest : rank;
}

/** Index, among `count` ascending scores, of the smallest one that stays; so many go where all differ. `count` at least 1. */
export function ceilRank(ratio: number, count: number): number {
  return Math.ceil(rankOf(ratio, count));
}

/**
 * The threshold that is reported for a quantile: linear interpolation of the ascending scores at the rank. Nothing is
 * compared with it; NaN where there are no scores.
 */
export function thresholdOf(scores: Float32Array, ratio: number): number {
  if (scores.length === 0) return Number.NaN;
  const sorted = scores.slice().sort();
  const rank = rankOf(ratio, scores.length);
  const low = sorted[Math.floor(rank)]!;
  return low + (rank - Math.floor(rank)) * (sorted[Math.ceil(rank)]! - low);
}
