/** Index tables of attention inhibition on the GPU, and the sequences that its tests use. */
import type { Gpu } from "../../src/gpu/device.ts";
import { type ImageSpan, planSight } from "../../src/model/inhibition/index-tables.ts";
import { inputTensor } from "./gpu.ts";

export function sightTensors(gpu: Gpu, images: readonly ImageSpan[], rows: number) {
  const sight = planSight(images, rows);
  const upload = (values: Uint32Array) => inputTensor(gpu, [values.length], values, "u32");
  return {
    sight,
    slots: upload(sight.slots),
    viewerRows: upload(sight.viewerRows),
    starts: upload(sight.starts),
    columnRows: upload(sight.columnRows),
    ends: upload(sight.ends),
  };
}

/** Rows of each image, for the references. */
export function imageRows(images: readonly ImageSpan[]): number[][] {
  return images.map(({ row, tokens }) => Array.from({ length: tokens }, (_, i) => row + i));
}
