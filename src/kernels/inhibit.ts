/** The mask of attention inhibition from focus scores: what is below the exact score at a rank (paper, after eq. 11). */
import shader from "../../shaders/inhibit.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { checkShape, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "inhibit",
  shader,
  bindings: {
    focus: "read",
    slots: "read",
    starts: "read",
    columnRows: "read",
    ends: "read",
    ranks: "read",
    inhibited: "write",
  },
  params: {
    firstViewer: "u32",
    chunkRow: "u32",
    columns: "u32",
    images: "u32",
    firstRank: "u32",
    perImage: "u32",
    words: "u32",
  },
});

export interface InhibitArgs {
  focus: Tensor; // [viewers of the chunk, n]
  /** Column or viewer at each row of the cache; these four are of a `Sight` (model room). */
  slots: Tensor; // [chunkRow + T or more] u32
  starts: Tensor; // [viewers so far + 1 or more] u32
  columnRows: Tensor; // [n] u32
  ends: Tensor; // [images] u32
  /**
   * Index of the smallest score that stays, among the ascending ones of image i, or without `perImage` of image i and
   * all before it. 0 inhibits nothing.
   */
  ranks: Tensor; // [layers, images] u32
  /** Out, as `attention` takes it: bit s % 32 of word s / 32; zeros for rows that are no viewers. */
  inhibited: Tensor; // [T, words] u32
  /** Row of `ranks`. */
  layer: number;
  /** Number of the chunk's first viewer among all. */
  firstViewer: number;
  /** The cache's row that row 0 of the chunk is. */
  chunkRow: number;
  /** One cut for each image, not one over all that a row sees. */
  perImage: boolean;
}

/** inhibited(t, s) = focus below the score at the rank, strictly; for text rows t and image tokens s that they see. */
export function inhibit(recorder: Recorder, args: InhibitArgs): void {
  const { focus, slots, starts, columnRows, ends, ranks, inhibited, layer, firstViewer, chunkRow, perImage } = args;
  const [viewers, columns] = matrixShape("inhibit focus", focus);
  const [rows, words] = matrixShape("inhibit inhibited", inhibited);
  const [layers, images] = matrixShape("inhibit ranks", ranks);
  checkShape("inhibit columnRows", columnRows, [columns]);
  checkShape("inhibit ends", ends, [images]);
  assert(layer < layers && viewers <= rows, `inhibit: layer ${layer} of ${layers}, ${viewers} viewers in ${rows} rows`);
  const tables = elementCount(slots.shape) >= chunkRow + rows && elementCount(starts.shape) > firstViewer + viewers;
  assert(tables, `inhibit: tables too short for rows ${chunkRow} to ${chunkRow + rows}`);
  // One subgroup on a software adapter, where every barrier of a larger workgroup is a switch between all of it.
  const THREADS = recorder.capabilities.software ? 4 : 256;
  recorder.dispatch(
    kernel.variant({ constants: { THREADS } }),
    { focus, slots, starts, columnRows, ends, ranks, inhibited },
    { firstViewer, chunkRow, columns, images, firstRank: layer * images, perImage: Number(perImage), words },
    [rows],
  );
}
