/** One compression stage (paper eqs. 5-8) of one view: the references of its kernels, one after the other. */
import { kMeans } from "../kmeans.ts";
import { type MergeMode, merge } from "../merge.ts";
import { type Origin, stageOrigins } from "../owners.ts";
import { tokenEmbed } from "../token-embed.ts";
import { topK } from "../top-k.ts";

/** Indices are over the cells that entered the stage; N and N' count cells. */
export interface Stage {
  block: number;
  /** [N] */
  importance: Float64Array;
  primary: number[];
  /** [R] */
  redundant: number[];
  /** [R], or empty where redundant cells are dropped. */
  labels: number[];
  /** [first + N' * S, C], the rows that leave the stage; the class token's, if any, first. */
  tokens: Float64Array;
  /** [N'] */
  origins: Origin[];
}

export interface StageSettings {
  /** N', below N. */
  tokens: number;
  /** c, at most N'. */
  clusters: number;
  merge: MergeMode;
  iterations: number;
  /** Of tests: cosines as another arithmetic has them. */
  disturb?: (cosine: number) => number;
}

/**
 * A cell is one row of its seats in order: in cell order they are neighbours.
 *
 * @param z [first + N * S, C], the hidden states after attention and residual
 * @param width S * C
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
  const { clusters, iterations, disturb } = settings;
  const classLength = z.length - importance.length * width; // C with a class token, else 0
  const cells = z.subarray(classLength);
  const { kept: primary, rest: redundant } = topK(importance, settings.tokens - clusters);
  const rest = tokenEmbed(redundant, cells, width);
  const labels = clusters === 0 ? [] : [...kMeans(rest, width, clusters, iterations, disturb).labels];
  const weights = redundant.map((i) => importance[i]!);
  const tokens = new Float64Array([
    ...z.subarray(0, classLength),
    ...tokenEmbed(primary, cells, width),
    ...merge(rest, weights, labels, clusters, width, settings.merge),
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
