/** The first rows of an encoder: patches through the patch convolution, with the class token and learned positions. */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { linear } from "../../kernels/linear.ts";
import { mixRows } from "../../kernels/mix-rows.ts";
import { patches } from "../../kernels/patches.ts";
import { visionEmbed } from "../../kernels/vision-embed.ts";
import type { EncoderSpec } from "../../spec/model-spec.ts";
import type { Grid } from "../../spec/picture-spec.ts";
import type { Weights } from "../load/fill.ts";
import { resizedTable } from "./resized-table.ts";

interface Model {
  gpu: Pick<GpuMemory, "upload">;
  weights: Weights;
  spec: EncoderSpec;
}

export interface EmbedArgs {
  pixels: Tensor; // [B, 3, H, W], normalised
  /** Of a view, in patches. */
  grid: Grid;
  y: Tensor; // [B * T, C]
  /** Owns intermediate tensors, until the work is submitted. */
  scratch: Arena;
}

/**
 * y of each view = the class token, if any, and the patches in cell order, plus learned positions if the model has
 * them.
 */
export function embedPatches(recorder: Recorder, model: Model, { pixels, grid, y, scratch }: EmbedArgs): void {
  const { weights, spec } = model;
  const { width, patch, cell } = spec;
  const count = pixels.shape[0]! * grid.rows * grid.cols;
  const { side: patchSize, channelsLast, frames = 1 } = patch;
  const x = scratch.tensor("patch rows", [count, 3 * frames * patchSize ** 2]);
  patches(recorder, { pixels, y: x, patchSize, cell, channelsLast, frames });
  const weight = weights.matrix("encoder.patch.weight");
  // See EXACT_ATTENTION in blocks.ts, which has the numbers.
  const product = { x, weight, bias: weights.find("encoder.patch.bias"), exact: true };
  const positions = positionsOf(recorder, model, grid, scratch);
  if (!positions) {
    linear(recorder, { ...product, y });
    return;
  }
  const patchEmbeddings = scratch.tensor("patch embeddings", [count, width]);
  linear(recorder, { ...product, y: patchEmbeddings });
  const classEmbedding = weights.find("encoder.class");
  visionEmbed(recorder, { patchEmbeddings, classEmbedding, positions, y, cols: grid.cols, cell });
}

/** Positions of a view's patches in raster order, after the class token's if there is one; undefined without a table. */
function positionsOf(
  recorder: Recorder,
  { gpu, weights, spec }: Model,
  grid: Grid,
  scratch: Arena,
): Tensor | undefined {
  const { table, corners = false, cubic = false } = spec.positions;
  if (table === null) return undefined;
  const x = weights.get("encoder.positions");
  if (!table) return x;
  const first = spec.classToken ? 1 : 0;
  const resized = resizedTable(table, grid, { first, corners, cubic });
  const rows = first + grid.rows * grid.cols;
  const sources = scratch.tensor("sources of positions", [rows, resized.taps], "u32");
  const shares = scratch.tensor("weights of positions", [rows, resized.taps]);
  const y = scratch.tensor("positions", [rows, spec.width]);
  gpu.upload(sources, resized.sources);
  gpu.upload(shares, resized.weights);
  mixRows(recorder, { x, sources, weights: shares, y, accumulate: false });
  return y;
}
