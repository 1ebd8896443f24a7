/** Cuts planar pixels into rows of patches ("im2col" with stride = kernel). */
import cells from "../../shaders/lib/cells.wgsl?raw";
import shader from "../../shaders/patches.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, elementGrid } from "./common.ts";

const kernel = new Kernel({
  name: "patches",
  shader,
  bindings: { pixels: "read", y: "write" },
  params: {
    views: "u32",
    height: "u32",
    width: "u32",
    patchSize: "u32",
    cell: "u32",
    channelsLast: "u32",
    frames: "u32",
  },
});

export interface PatchesArgs {
  pixels: Tensor; // [B, 3, H, W]
  y: Tensor; // [B * N * S, 3 * F * P * P], N * S = floor(H / P) * floor(W / P)
  patchSize: number; // P, pixels
  /** Side of a cell, in patches: it divides the grid, and S is its square. */
  cell: number;
  /** Default false. */
  channelsLast?: boolean | undefined;
  /** F: the picture counts as this many equal frames, each with its own weights; 1 with `channelsLast`. Default 1. */
  frames?: number | undefined;
}

/**
 * y[b, n] = patch n of view b in cell order, flattened (channel, row, column). With `channelsLast` it is (row, column,
 * channel), with several frames (channel, frame, row, column). Pixels that fill no patch are left out. With cells of
 * side 1, cell order is raster order.
 */
export function patches(recorder: Recorder, args: PatchesArgs): void {
  const { pixels, y, patchSize, cell, channelsLast = false, frames = 1 } = args;
  const [views = 0, , height = 0, width = 0] = pixels.shape;
  const [rows, cols] = [Math.floor(height / patchSize), Math.floor(width / patchSize)];
  checkShape("patches pixels", pixels, [views, 3, height, width]);
  checkShape("patches y", y, [views * rows * cols, 3 * frames * patchSize * patchSize]);
  assert(rows % cell === 0 && cols % cell === 0, `patches: ${rows} x ${cols} patches in cells of side ${cell}`);
  assert(frames === 1 || !channelsLast, `patches: ${frames} frames with the channels last`);
  const variant = kernel.variant({ libs: { key: "", texts: [cells] } });
  const elements = views * rows * cols * 3 * frames * patchSize * patchSize;
  const params = { views, height, width, patchSize, cell, channelsLast: Number(channelsLast), frames };
  recorder.dispatch(variant, { pixels, y }, params, elementGrid(elements, 64));
}
