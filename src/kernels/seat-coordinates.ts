/** The grid coordinates of the seats of merged cells, for encoders with rotary positions. */
import shader from "../../shaders/seat-coordinates.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, elementGrid } from "./common.ts";

const kernel = new Kernel({
  name: "seat-coordinates",
  shader,
  bindings: { owners: "read", coordinates: "write" },
  params: { cells: "u32", cols: "u32", side: "u32" },
});

export interface SeatCoordinatesArgs {
  owners: Tensor; // [B, n] u32; see owners.ts
  coordinates: Tensor; // [2, B * n * S] u32
  /** Columns of the grid, in cells. */
  cols: number;
  /** Side of a cell, in patches; S is its square. */
  side: number;
}

/** coordinates[0] and [1] = row and column, in patches, of each seat in the cell that owns its cell. */
export function seatCoordinates(recorder: Recorder, { owners, coordinates, cols, side }: SeatCoordinatesArgs): void {
  const [views = 0, each = 0] = owners.shape;
  const cells = views * each;
  checkShape("seat-coordinates", coordinates, [2, cells * side * side]);
  const params = { cells, cols, side };
  recorder.dispatch(kernel.variant(), { owners, coordinates }, params, elementGrid(cells * side * side, 64));
}
