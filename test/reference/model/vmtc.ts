/** One compression stage (paper eqs. 5-8): the references of its kernels, one after the other. */
import { kMeans } from "../kmeans.ts";
import { type MergeMode, merge } from "../merge.ts";
import { type Origin, stageOrigins } from "../origins.ts";
import { tokenEmbed } from "../token-embed.ts";
import { topK } from "../top-k.ts";

/** Indices are over the tokens that entered the stage, class token excluded. */
export interface Stage {
  block: number;
  /** [N] */
  importance: Float64Array;
  primary: number[];
  /** [R] */
  redundant: number[];
  /** [R], or empty where redundant tokens are dropped. */
  labels: number[];
  /** [N' (+ 1), C], what leaves the stage; the class token, if any, first. */
  tokens: Float64Array;
  /** [N'], class token excluded. */
  origins: Origin[];
}

export interface StageSettings {
  /** N', class token excluded; below N. */
  tokens: number;
  /** c, at most N'. */
  clusters: number;
  merge: MergeMode;
  iterations: number;
}

/**
 * @param z [N (+ 1), C], the hidden states after attention and residual
 * @param width C
 * @param importance [N]
 * @param origins [N]
 */
export function compressStage(
  z: Float64Array,
  width: number,
  importance: Float64Array,
  origins: readonly Origin[],
  block: number,
  settings: StageSettings,
): Stage {
  const classLength = z.length - importance.length * width; // C with a class token, else 0
  const patches = z.subarray(classLength);
  const { kept: primary, rest: redundant } = topK(importance, settings.tokens - settings.clusters);
  const rest = tokenEmbed(redundant, patches, width);
  const labels = settings.clusters === 0 ? [] : [...kMeans(rest, width, settings.clusters, settings.iterations).labels];
  const weights = redundant.map((i) => importance[i]!);
  const tokens = new Float64Array([
    ...z.subarray(0, classLength),
    ...tokenEmbed(primary, patches, width),
    ...merge(rest, weights, labels, settings.clusters, width, settings.merge),
  ]);
  return {
    block,
    importance,
    primary,
    redundant,
    labels,
    tokens,
    origins: stageOrigins(origins, importance, primary, redundant, labels),
  };
}
