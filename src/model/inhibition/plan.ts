/**
 * Plans an `Inhibition` for one decoder: each layer's share of inhibited image tokens, and the cut's rank in a sorted
 * row of focus scores. Source: the paper, after equation 11. Pure numbers in f64; inhibitor.ts runs the plan on the
 * GPU.
 */
import type { Inhibition } from "../../api.ts";
import { checkFields } from "../../shared/arguments.ts";
import { checkNumber } from "../../shared/assert.ts";
import { shown } from "../../shared/json.ts";

export interface InhibitionPlan {
  /**
   * gamma of each layer, the share of image tokens that it inhibits. 0: the layer attends plainly. Undefined: the layer has
   * no attention.
   */
  ratios: readonly (number | undefined)[];
  /**
   * The weights of a text row on the attention of the other text rows that it sees. "neighbours": by its own attention
   * to them (the paper's focus). A number: by this factor to the power of the distance in text rows. 1 gives the plain
   * sum and 0 the row's own attention alone.
   */
  weighting: "neighbours" | number;
  /** A is the mean of the scaled logits instead of the softmax weights (the paper taken literally). */
  literal: boolean;
  /** One quantile for each image that a row sees, not one over all of them. */
  perImage: boolean;
}

const DEFAULT_DISCOUNT = 0.9;
/**
 * A rank this close to an integer counts as that integer: 0.6 * 19 / 21 * 35 is 19.000000000000004 in one order of
 * multiplication.
 */
const RANK_SNAP = 1e-9;

const FIELDS = Object.keys({
  maxRatio: true,
  score: true,
  discount: true,
  scores: true,
  schedule: true,
  scope: true,
} satisfies Record<keyof Inhibition, true>);

const CHOICES = {
  score: ["focus", "text-to-image", "sum", "discounted-sum"],
  scores: ["weights", "logits"],
  schedule: ["linear", "constant"],
  scope: ["row", "image"],
} as const;

/**
 * Checks an inhibition and plans it for a decoder.
 *
 * @param layers all of the decoder's layers, in order. Layers of another kind than "attention" are not inhibited, but the
 *   linear schedule counts them
 * @throws TypeError for a value that is no inhibition, and for an unknown choice; RangeError for a number out of range
 */
export function planInhibition(inhibition: Inhibition, layers: readonly { kind: string }[]): InhibitionPlan {
  if (typeof inhibition !== "object" || inhibition === null)
    throw new TypeError(`inhibition must be an object such as { maxRatio: 0.6 }, got ${shown(inhibition)}`);
  checkFields("inhibition", inhibition, FIELDS);
  const maxRatio = checkNumber("inhibition.maxRatio", inhibition.maxRatio, 0, 1);
  const discount = checkNumber("inhibition.discount", inhibition.discount ?? DEFAULT_DISCOUNT, 0, 1);
  const score = choice(inhibition, "score");
  const weighting = { focus: "neighbours" as const, "text-to-image": 0, sum: 1, "discounted-sum": discount }[score];
  const constant = choice(inhibition, "schedule") === "constant";
  if (maxRatio > 0 && layers.some(({ kind }) => kind === "cross"))
    throw new RangeError(
      `inhibition.maxRatio is ${maxRatio}, but this model reads pictures by cross-attention: its prompts have no image tokens to inhibit; use 0`,
    );
  const last = layers.length - 1;
  const linear = (layer: number) => (last === 0 ? 0 : (maxRatio * layer) / last);
  return {
    ratios: layers.map(({ kind }, layer) => (kind !== "attention" ? undefined : constant ? maxRatio : linear(layer))),
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
      `inhibition.${name} must be ${allowed.map((word) => `"${word}"`).join(" or ")}, got ${shown(value)}`,
    );
  return value as (typeof CHOICES)[N][number];
}

/** True if no layer inhibits anything. The decoder can then attend plainly. */
export function isOff({ ratios }: InhibitionPlan): boolean {
  return ratios.every((ratio) => !ratio);
}

/** The rank of the threshold among `count` ascending scores, from 0: ratio * (count - 1). */
function rankOf(ratio: number, count: number): number {
  const rank = ratio * (count - 1);
  const nearest = Math.round(rank);
  return Math.abs(rank - nearest) <= RANK_SNAP ? nearest : rank;
}

/**
 * Index of the smallest score that stays, among `count` >= 1 ascending scores; also the number of inhibited ones if all
 * differ.
 */
export function ceilRank(ratio: number, count: number): number {
  return Math.ceil(rankOf(ratio, count));
}

/**
 * The threshold that is reported for a quantile: linear interpolation of the ascending scores at the rank. Masks do not
 * depend on it. NaN without scores.
 */
export function thresholdOf(scores: Float32Array, ratio: number): number {
  if (scores.length === 0) return Number.NaN;
  const sorted = scores.slice().sort();
  const rank = rankOf(ratio, scores.length);
  const low = sorted[Math.floor(rank)]!;
  return low + (rank - Math.floor(rank)) * (sorted[Math.ceil(rank)]! - low);
}
