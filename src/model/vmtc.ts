/**
 * Token compression inside and behind the encoder (VMTC, paper eqs. 5-8): records what one stage does with the hidden
 * states, all of it on the GPU. Which stages there are is in compression.ts, where they sit in vision.ts.
 */
import type { Arena } from "../gpu/arena.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { kmeans } from "../kernels/kmeans.ts";
import { merge } from "../kernels/merge.ts";
import { origins } from "../kernels/origins.ts";
import { topK } from "../kernels/top-k.ts";
import { unitRows } from "../kernels/unit-rows.ts";
import type { StagePlan } from "./compression.ts";

/** What a stage decided; the arena handed to it owns the tensors. Counts are without the class token. */
export interface StageTensors {
  block: number;
  primary: number;
  scores: Tensor; // [1, N], importance of the tokens that entered
  order: Tensor; // [1, N] u32: primary indices, then redundant ones, both ascending
  labels: Tensor; // [1, R] u32, of the redundant tokens; without meaning where clusters is 0
  clusters: number;
  origins: Tensor; // [1, n, W + 1] u32, of the tokens that left; see kernels/origins.ts
  /** A copy of the tokens that left, if it was asked for. */
  tokens?: Tensor; // [first + n, C]
}

export interface StageArgs {
  plan: StagePlan;
  iterations: number;
  normalized: boolean;
  /** 1 with a class token, else 0. */
  first: number;
  scores: Tensor; // [1, N]
  origins: Tensor; // [1, N, W + 1] u32, of the tokens that enter
  hidden: Tensor; // [first + N, C]
  output: Tensor; // [first + n, C], another buffer
  /** Owns what is returned. */
  kept: Arena;
  /** Owns what is needed until the work is submitted. */
  scratch: Arena;
}

/** Records one stage: `output` = class token, primary tokens, merged clusters. */
export function compressStage(recorder: Recorder, args: StageArgs): StageTensors {
  const { plan, iterations, normalized, first, scores, hidden, output, kept, scratch } = args;
  const { block, before, tokens, primary, clusters } = plan;
  const redundant = before - primary;
  const width = hidden.shape[1]!;
  const order = kept.tensor("token order", [1, before], "u32");
  const labels = kept.tensor("cluster labels", [1, redundant], "u32");
  topK(recorder, { values: scores, order, kept: primary });
  if (clusters > 0) {
    const x = scratch.tensor("unit rows", [1, redundant, width]);
    unitRows(recorder, { x: hidden, order, y: x, first, begin: primary });
    kmeans(recorder, {
      x,
      centers: scratch.tensor("cluster centers", [1, clusters, width]),
      cosines: scratch.tensor("cosines", [1, redundant, clusters]),
      labels: scratch.tensor("labels of a round", [1, redundant], "u32"),
      own: scratch.tensor("own cosines", [1, redundant]),
      counts: scratch.tensor("cluster sizes", [1, clusters], "u32"),
      next: scratch.tensor("next labels", [1, redundant], "u32"),
      done: scratch.tensor("k-means done", [1], "u32"),
      numbers: labels,
      iterations,
    });
  }
  merge(recorder, { x: hidden, order, scores, labels, y: output, first, seats: 1, primary, normalized });
  const left = kept.tensor("token origins", [1, tokens, args.origins.shape[2]!], "u32");
  origins(recorder, { x: args.origins, order, scores, labels, y: left, primary });
  return { block, primary, clusters, scores, order, labels, origins: left };
}
