/** Cuts planar pixels into rows of patches ("im2col" with stride = kernel). */
import shader from "../../shaders/patches.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, elementGrid } from "./common.ts";

const kernel = new Kernel({
  name: "patches",
  shader,
  bindings: { pixels: "read", y: "write" },
  params: { size: "u32", patch_size: "u32", grid: "u32" },
});

export interface PatchesArgs {
  pixels: Tensor; // [3, S, S]
  y: Tensor; // [N, 3 * P * P], N = floor(S / P)^2
  patchSize: number; // P, pixels
}

/** y[n] = patch n in raster order, flattened (channel, row, column). Pixels that fill no patch are left out. */
export function patches(recorder: Recorder, { pixels, y, patchSize }: PatchesArgs): void {
  const size = pixels.shape[1] ?? 0;
  const grid = Math.floor(size / patchSize);
  const width = 3 * patchSize * patchSize;
  checkShape("patches pixels", pixels, [3, size, size]);
  checkShape("patches y", y, [grid * grid, width]);
  const params = { size, patch_size: patchSize, grid };
  recorder.dispatch(kernel.variant(), { pixels, y }, params, elementGrid(grid * grid * width, 64));
}
