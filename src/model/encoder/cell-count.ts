/** Cells and their seats: the patches in one row of the decoder, and the grid of these rows in a view. Pure. */
import type { EncoderSpec } from "../../spec/model-spec.ts";
import type { Grid } from "../../spec/picture-spec.ts";

/** The fields that define cells. */
export type CellSpec = Pick<EncoderSpec, "cell" | "strip">;

/** S, patches of a cell. */
export function seatsOf({ cell, strip }: CellSpec): number {
  return strip ?? cell ** 2;
}

/** Cells of a view before any compression. */
export function cellCount({ rows, cols }: Grid, spec: CellSpec): number {
  return (rows * cols) / seatsOf(spec);
}

/** A grid of patches in cells: one line where strips continue from one row of patches to the next. */
export function cellGrid({ rows, cols }: Grid, { cell, strip }: CellSpec): Grid {
  if (strip === undefined) return { rows: rows / cell, cols: cols / cell };
  return cols % strip === 0 ? { rows, cols: cols / strip } : { rows: 1, cols: (rows * cols) / strip };
}
