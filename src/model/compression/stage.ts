/**
 * One stage of token compression (VMTC, paper equations 5 to 8) on the cells of a batch of views. All of it runs on the
 * GPU. plan.ts lists the stages; the encoder runs them inside its blocks.
 */
import type { Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Recorder } from "../../gpu/pass.ts";
import { readTensor } from "../../gpu/readback.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { cosineRows, kmeans } from "../../kernels/kmeans.ts";
import { merge } from "../../kernels/merge.ts";
import { owners } from "../../kernels/owners.ts";
import { topK } from "../../kernels/top-k.ts";
import { unitRows } from "../../kernels/unit-rows.ts";
import type { StagePlan } from "./plan.ts";

/** The decisions of a stage; the arena `kept` owns the tensors. Counts are cells of each view. */
export interface StageTensors {
  block: number;
  primary: number;
  scores: Tensor; // [B, N], importance of the cells that entered
  order: Tensor; // [B, N] u32: primary indices, then redundant ones, both ascending
  /** Absent where the redundant cells are dropped. */
  labels?: Tensor; // [B, R] u32, of the redundant cells
  clusters: number;
  owners: Tensor; // [B, n] u32, of the cells after the stage; see kernels/owners.ts
  /** A copy of the rows after the stage, on request. */
  tokens?: Tensor; // [B * (first + n * S), C]
}

export interface StageArgs {
  plan: StagePlan;
  iterations: number;
  normalized: boolean;
  /** 1 with a class token, else 0. */
  first: number;
  /** S, rows of a cell. */
  seats: number;
  scores: Tensor; // [B, N]
  owners: Tensor; // [B, N] u32, of the cells that enter
  hidden: Tensor; // [B * (first + N * S), C]
  output: Tensor; // [B * (first + n * S), C], another buffer
  /** Other rows of the same cells, merged in the same way. */
  carried?: readonly { x: Tensor; y: Tensor }[];
  /** Owns the result. */
  kept: Arena;
  /** Owns the rest, until the work is submitted. */
  scratch: Arena;
}

/** Records one stage: `output` of each view = class token, primary cells, merged clusters. */
export function compressStage(recorder: Recorder, args: StageArgs): StageTensors {
  const { plan, iterations, normalized, first, seats, scores, hidden, output, carried = [], kept, scratch } = args;
  const { block, before, tokens, primary, clusters } = plan;
  const views = scores.shape[0]!;
  const redundant = before - primary;
  const width = hidden.shape[1]! * seats;
  const order = kept.tensor("cell order", [views, before], "u32");
  const labels = kept.tensor("cluster labels", [views, redundant], "u32");
  topK(recorder, { values: scores, order, kept: primary });
  if (clusters > 0) {
    const x = scratch.tensor("unit rows", [views, redundant, width]);
    unitRows(recorder, { x: hidden, order, y: x, first, begin: primary });
    kmeans(recorder, {
      x,
      centers: scratch.tensor("cluster centers", [views, clusters, width]),
      cosines: scratch.tensor("cosines", [views, cosineRows(views, redundant), clusters]),
      labels: scratch.tensor("labels of a round", [views, redundant], "u32"),
      own: scratch.tensor("own cosines", [views, redundant]),
      counts: scratch.tensor("cluster sizes", [views, clusters], "u32"),
      next: scratch.tensor("next labels", [views, redundant], "u32"),
      done: scratch.tensor("k-means done", [views], "u32"),
      numbers: labels,
      iterations,
    });
  }
  for (const { x, y } of [{ x: hidden, y: output }, ...carried])
    merge(recorder, { x, order, scores, labels, y, first, seats, primary, normalized });
  const left = kept.tensor("cell owners", [views, tokens], "u32");
  owners(recorder, { x: args.owners, order, scores, labels, y: left, primary });
  return { block, primary, clusters, scores, order, ...(clusters > 0 && { labels }), owners: left };
}

/**
 * The original cells that own the cells of each view, as raster indices. A primary cell owns itself, a merged one
 * belongs to its member of highest importance. Positions and newline rows follow the owner.
 *
 * @param tensor owners of a stage [B, n], or of the encoder
 */
export async function readOwners(gpu: Gpu, tensor: Tensor): Promise<Uint32Array[]> {
  const [views, cells] = tensor.shape as [number, number];
  const owners = (await readTensor(gpu, tensor)) as Uint32Array;
  return Array.from({ length: views }, (_, view) => owners.slice(view * cells, (view + 1) * cells));
}
