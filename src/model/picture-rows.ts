/** An encoded picture as rows: the encoder makes them, prompts place them. Types only. */
import type { Tensor } from "../gpu/tensor.ts";
import type { Grid } from "../spec/picture-spec.ts";

/** Neighbouring rows of an encoded picture; not owned. */
export interface PictureRows {
  tensor: Tensor; // [n or more, W], projected
  /** The first of the rows. */
  first: number;
  count: number;
  /** Identifies the picture's content and settings. Tensors of one source have the same values. */
  source?: string | undefined;
  /** Rows [n or more, W] that are added after the first decoder layers, one tensor a layer; numbered as those of `tensor`. */
  taps?: readonly Tensor[] | undefined;
  /** The places of the rows' cells, for positions on several axes. */
  places?: CellPlaces | undefined;
}

/** Cells of a view in its grid. */
export interface CellPlaces {
  /** The grid of the whole view, in cells. */
  grid: Grid;
  /** The owner of each row, as a raster index; undefined where the rows are all cells in order. */
  owners?: ArrayLike<number> | undefined;
}

/** The original places of a picture of one view. */
export interface Placement {
  owners: Tensor; // [n - first] u32; see kernels/owners.ts
  /** Rows before the cells: 1 with a class token. */
  first: number;
  /** Cells of the whole grid. */
  cells: number;
}

/** An encoded picture as it enters a prompt: its runs of rows in order. */
export interface PromptPicture {
  runs: readonly PictureRows[];
  /** For original positions; without it positions are contiguous. */
  placed?: Placement | undefined;
}

/**
 * Ids with one placeholder for each row of a picture, and the runs of each picture. A run of no rows is the placeholder of a
 * picture whose rows stand beside the prompt.
 */
export interface PlacedIds {
  ids: ArrayLike<number>;
  pictures: readonly (readonly { start: number; count: number }[])[];
}
