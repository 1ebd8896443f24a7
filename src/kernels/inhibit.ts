/** The mask of attention inhibition: the pairs whose focus score is below the score at a rank (paper, after eq. 11). */
import shader from "../../shaders/inhibit.wgsl?raw";
import textRowLib from "../../shaders/lib/text-row.wgsl?raw";
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
    textRows: "read",
    columnRows: "read",
    imageStarts: "read",
    ranks: "read",
    inhibited: "write",
  },
  params: {
    firstTextRow: "u32",
    chunkRow: "u32",
    columns: "u32",
    images: "u32",
    firstRank: "u32",
    perImage: "u32",
    words: "u32",
  },
});

export interface InhibitArgs {
  focus: Tensor; // [text rows of the chunk, n]
  /** Column or text row at each row of the cache; these four are of `IndexTables` (model room). */
  slots: Tensor; // [chunkRow + T or more] u32
  textRows: Tensor; // [text rows so far or more, 8] u32
  columnRows: Tensor; // [n] u32
  imageStarts: Tensor; // [images + 1] u32
  /** Index of the smallest score that stays among 0, 1, .. n ascending ones. 0 inhibits nothing. */
  ranks: Tensor; // [layers, n + 1] u32
  /**
   * Out, in the layout of `attention`: bit s % 32 of word s / 32. Zeros for image tokens and for rows that see none.
   */
  inhibited: Tensor; // [T, words] u32
  /** Row of `ranks`. */
  layer: number;
  /** Number of the text row that row 0 of `focus` is. */
  firstTextRow: number;
  /** The cache row of row 0 of the chunk. */
  chunkRow: number;
  /** One cut for each image, not one over all columns that a row sees. */
  perImage: boolean;
}

/** inhibited(t, s) = focus strictly below the score at the rank, for text rows t and the image tokens s that they see. */
export function inhibit(recorder: Recorder, args: InhibitArgs): void {
  const { focus, slots, textRows, columnRows, imageStarts, ranks, inhibited } = args;
  const { layer, firstTextRow, chunkRow, perImage } = args;
  const [count, columns] = matrixShape("inhibit focus", focus);
  const [rows, words] = matrixShape("inhibit inhibited", inhibited);
  const images = elementCount(imageStarts.shape) - 1;
  checkShape("inhibit columnRows", columnRows, [columns]);
  checkShape("inhibit ranks", ranks, [ranks.shape[0]!, columns + 1]);
  assert(layer < ranks.shape[0]! && count <= rows, `inhibit: layer ${layer}, ${count} text rows in ${rows} rows`);
  const tables = elementCount(slots.shape) >= chunkRow + rows && textRows.shape[0]! >= firstTextRow + count;
  assert(tables, `inhibit: tables too short for rows ${chunkRow} to ${chunkRow + rows}`);
  // One subgroup on a software adapter, where a barrier of a larger workgroup switches between all its invocations.
  const THREADS = recorder.capabilities.software ? 4 : 256;
  recorder.dispatch(
    kernel.variant({ libs: { key: "", texts: [textRowLib] }, constants: { THREADS } }),
    { focus, slots, textRows, columnRows, imageStarts, ranks, inhibited },
    {
      firstTextRow,
      chunkRow,
      columns,
      images,
      firstRank: layer * (columns + 1),
      perImage: Number(perImage),
      words,
    },
    [rows],
  );
}
