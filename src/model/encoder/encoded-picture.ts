/** An encoded picture on the GPU, and its rows in a prompt. picture-encoder.ts creates it. */
import type { Arena } from "../../gpu/arena.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { assert } from "../../shared/assert.ts";
import type { Grid, PicturePlan } from "../../spec/picture-spec.ts";
import type { StageTensors } from "../compression/stage.ts";
import type { Placement, PromptPicture } from "../picture-rows.ts";
import type { ArrangedRows } from "./arranged-rows.ts";

/** The views of a batch after encoder and connector. Views have equal numbers of rows, one after another. */
export interface EncodedBatch {
  /** Indices of the picture's views. */
  views: readonly number[];
  grid: Grid;
  /** Rows of each view in `projected`: its cells, after the class token where features keep it. */
  rows: number;
  projected?: Tensor; // [B * rows, W]
  /** Rows that are added after the decoder's first layers, in the order of the projected ones. */
  taps: readonly Tensor[]; // [B * rows, W]
  /** The input of the connector; for a classifier all final hidden states. Only on request. */
  features?: Tensor; // [B * rows of features, C]
  /** The same for the encoder's taps. */
  tapFeatures?: readonly Tensor[]; // [B * rows of features, C]
  classLogits?: Tensor; // [1, classes]
  /** The embedding of the only view, before it is scaled to length 1. */
  embedding?: Tensor; // [1, E]
  stages: readonly StageTensors[];
  owners: Tensor; // [B, n] u32
  /** With `diverse`: the kept rows in order of choice. */
  chosen?: Tensor; // [B, k] u32
  /** With `diverse`: the kept rows, ascending, then the others. */
  kept?: Tensor; // [B, n] u32
}

/** A picture as input of the decoder. Disposing `arena` frees all its tensors. */
export interface EncodedPicture {
  arena: Arena;
  plan: PicturePlan;
  /** Grid of each view, in cells. */
  cellGrids: readonly Grid[];
  batches: readonly EncodedBatch[];
  /** Rows of each view, in the prompt unless they are arranged. */
  rowsOfView: readonly number[];
  /** The rows in the prompt, where the model has an order for them; batches have no projected rows then. */
  arranged?: ArrangedRows;
  /** With `positions: "original"`, where positions are on one axis. */
  placed?: Placement;
  /** With positions on several axes, the owners of each view's rows; undefined for whole views. */
  owners?: readonly (Uint32Array | undefined)[];
}

/** The numbers of rows that `PictureSpec.runs` takes for a picture. */
export function rowsInPrompt({ rowsOfView, arranged }: EncodedPicture): readonly number[] {
  return arranged ? arranged.lines : rowsOfView;
}

/**
 * The rows of an encoded picture as they enter a prompt.
 *
 * @param order views in the order of the prompt's runs
 * @param source see `PictureRows.source`
 */
export function promptPicture(
  { batches, placed, arranged, owners, cellGrids }: EncodedPicture,
  order: readonly number[],
  source?: string,
): PromptPicture {
  if (arranged) {
    let first = 0;
    const runs = arranged.lines.map((count) => {
      first += count;
      return { tensor: arranged.rows, first: first - count, count, source };
    });
    return { runs };
  }
  const runs = order.map((index) => {
    const batch = batches.find(({ views }) => views.includes(index));
    assert(batch?.projected, `view ${index} has no rows for a prompt`);
    const { projected: tensor, taps, rows: count } = batch;
    const places = owners && { grid: cellGrids[index]!, owners: owners[index] };
    return { tensor, taps, first: batch.views.indexOf(index) * count, count, source, ...(places && { places }) };
  });
  return { runs, ...(placed && { placed }) };
}
