/** Token reduction behind the encoder, on its finished hidden states: the baselines of the paper's tables. */
import type { Arena } from "../gpu/arena.ts";
import type { Recorder } from "../gpu/pass.ts";
import { type Tensor, view } from "../gpu/tensor.ts";
import type { HeadRows } from "../kernels/heads.ts";
import { matmul } from "../kernels/matmul.ts";
import { meanKeys } from "../kernels/mean-keys.ts";
import { merge } from "../kernels/merge.ts";
import { origins } from "../kernels/origins.ts";
import { pool } from "../kernels/pool.ts";
import { prumerge } from "../kernels/prumerge.ts";
import { topK } from "../kernels/top-k.ts";
import { unitRows } from "../kernels/unit-rows.ts";
import { assert } from "../shared/assert.ts";
import type { CompressionPlan } from "./compression.ts";
import type { Encoded } from "./vision.ts";
import type { StageTensors } from "./vmtc.ts";

export interface SelectArgs {
  plan: CompressionPlan;
  /** The last block that ran, whose keys and importance count. */
  block: number;
  /** 1 with a class token, else 0. */
  first: number;
  keys: HeadRows; // first + N rows
  heads: number;
  headWidth: number;
  /** Owns the tensors of the stage that is added to `encoded.stages`. */
  kept: Arena;
  /** Owns the result, until the work is submitted. */
  scratch: Arena;
}

/** The tokens that a plan leaves behind the encoder, [first + n, C]: the hidden states themselves where nothing is to do. */
export function selectTokens(recorder: Recorder, encoded: Encoded, args: SelectArgs): Tensor {
  const { plan } = args;
  if (plan.method === "pool") return poolTokens(recorder, encoded.hidden, plan.factor, args);
  if (plan.method === "prune-last") return pruneTokens(recorder, encoded, plan.tokens, args);
  if (plan.method === "prumerge") {
    assert(plan.tokens !== undefined, "the outlier rule must be settled before tokens are selected");
    return prumergeTokens(recorder, encoded, plan.tokens - 1, args);
  }
  return encoded.hidden;
}

function poolTokens(recorder: Recorder, x: Tensor, factor: number, { first, scratch }: SelectArgs): Tensor {
  const [rows, width] = x.shape as [number, number];
  const grid = Math.sqrt(rows - first);
  const y = scratch.tensor("pooled tokens", [first + Math.ceil(grid / factor) ** 2, width]);
  pool(recorder, { x, y, rows: grid, cols: grid, seats: 1, factor, first });
  return y;
}

/** Splits the tokens into the `primary` most important and the rest, and tells of it as a stage without clusters. */
function rankTokens(recorder: Recorder, encoded: Encoded, primary: number, { block, kept }: SelectArgs): StageTensors {
  const scores = encoded.scores!;
  const tokens = scores.shape[1]!;
  const order = kept.tensor("token order", [1, tokens], "u32");
  const labels = kept.tensor("cluster labels", [1, tokens - primary], "u32");
  const left = kept.tensor("token origins", [1, primary, encoded.origins.shape[2]!], "u32");
  topK(recorder, { values: scores, order, kept: primary });
  origins(recorder, { x: encoded.origins, order, scores, labels, y: left, primary });
  const stage = { block, primary, clusters: 0, scores, order, labels, origins: left };
  encoded.stages.push(stage);
  return stage;
}

function pruneTokens(recorder: Recorder, encoded: Encoded, primary: number, args: SelectArgs): Tensor {
  const { first, scratch } = args;
  const { scores, order, labels } = rankTokens(recorder, encoded, primary, args);
  const x = encoded.hidden;
  const y = scratch.tensor("pruned tokens", [first + primary, x.shape[1]!]);
  merge(recorder, { x, order, scores, labels, y, first, seats: 1, primary, normalized: true });
  return y;
}

function prumergeTokens(recorder: Recorder, encoded: Encoded, primary: number, args: SelectArgs): Tensor {
  const { first, keys, heads, headWidth, scratch } = args;
  const x = encoded.hidden;
  const { scores, order } = rankTokens(recorder, encoded, primary, args);
  const tokens = scores.shape[1]!;
  const dropped = tokens - primary;
  const mean = scratch.tensor("mean keys", [1, tokens, headWidth]);
  meanKeys(recorder, { k: keys, y: mean, first, heads, headWidth });
  const keptKeys = scratch.tensor("kept keys", [1, primary, headWidth]);
  const droppedKeys = scratch.tensor("dropped keys", [1, dropped, headWidth]);
  const cosines = scratch.tensor("key cosines", [1, primary, dropped]);
  const keyRows = view(mean, [tokens, headWidth]);
  unitRows(recorder, { x: keyRows, order, y: keptKeys, first: 0, begin: 0 });
  unitRows(recorder, { x: keyRows, order, y: droppedKeys, first: 0, begin: primary });
  matmul(recorder, { x: keptKeys, weight: droppedKeys, y: cosines });
  const y = scratch.tensor("PruMerge tokens", [first + primary + 1, x.shape[1]!]);
  prumerge(recorder, { x, order, scores, cosines, y, first, seats: 1 });
  return y;
}
