/** Memory of an encoder as its views grow: planned bytes are a line over the number of patches, with and without VMTC. */
import { expect, test } from "vitest";
import { CLIP_NAMES, encoderTensors } from "../../../src/families/parts/encoder-tensors.ts";
import { PlanningGpu } from "../../../src/gpu/planning.ts";
import { PictureEncoder } from "../../../src/model/encoder/picture-encoder.ts";
import { Weights } from "../../../src/model/load/fill.ts";
import type { EncoderSpec } from "../../../src/spec/model-spec.ts";
import type { Grid } from "../../../src/spec/picture-spec.ts";

const TABLE = { rows: 16, cols: 16 };
const PATCH = 14;

function encoderOf(grid: Grid): EncoderSpec {
  return {
    ...{ width: 384, heads: 6, blocks: 6, runBlocks: 6, mlp: { width: 1536, activation: "gelu" }, eps: 1e-6 },
    ...{ qkvBias: true, preNorm: false, postNorm: true, classToken: false, keepClassToken: false, cell: 1 },
    patch: { side: PATCH, bias: true },
    positions: { grid, table: TABLE },
  };
}

/** Bytes that one view of this grid takes, without compression or with VMTC at one half, whichever is more. */
function plannedBytes(grid: Grid): number {
  const encoder = encoderOf(grid);
  const gpu = new PlanningGpu(undefined);
  const tensors = encoderTensors(encoder, CLIP_NAMES, [""]);
  const weights = new Weights(gpu.arena, { tensors, aliases: new Map() });
  const model = { family: "test", encoder, connector: [], tensors, ignores: () => false };
  const pictures = new PictureEncoder(gpu, gpu.arena, weights, model);
  const view = { grid, canvas: 0, left: 0, top: 0, width: grid.cols * PATCH, height: grid.rows * PATCH };
  return pictures.planBytes(gpu.recorder, { canvases: [], views: [view] });
}

test("planned bytes are a line over the number of patches", () => {
  const grids = [16, 32, 64, 128].map((rows) => ({ rows: 2 * rows, cols: 32 }));
  const sizes = grids.map(plannedBytes);
  const perPatch = sizes.map((bytes, i) => bytes / (grids[i]!.rows * grids[i]!.cols));
  // Buffers that grow with the square would add 0.7 bytes a patch for each patch: 18 % from the first to the last.
  expect(perPatch.at(-1)! / perPatch[0]!).toBeLessThan(1.01);
  expect(perPatch.at(-1)! / perPatch[0]!).toBeGreaterThan(0.95);
});
