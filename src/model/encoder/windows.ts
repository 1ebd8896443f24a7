/** The order of cells in an encoder whose blocks attend inside windows: window by window, so that a window is a range. Pure. */
import type { Grid } from "../../spec/picture-spec.ts";

/** Cells of one view in window order. */
export interface WindowOrder {
  /** Raster index of the cell at each place. */
  order: Uint32Array; // [N]
  /** Place of each cell, by raster index. */
  inverse: Uint32Array; // [N]
  /** Half-open ranges of places, one a window. */
  ranges: readonly (readonly [start: number, end: number])[];
}

/**
 * Windows of `side` x `side` cells from the top left corner on, partial at the far edges. Windows, and the cells of
 * each, are in raster order.
 *
 * @param grid in cells
 */
export function windowOrder({ rows, cols }: Grid, side: number): WindowOrder {
  const order: number[] = [];
  const ranges: [number, number][] = [];
  for (let top = 0; top < rows; top += side)
    for (let left = 0; left < cols; left += side) {
      const start = order.length;
      for (let row = top; row < Math.min(top + side, rows); row++)
        for (let col = left; col < Math.min(left + side, cols); col++) order.push(row * cols + col);
      ranges.push([start, order.length]);
    }
  const inverse = new Uint32Array(order.length);
  for (const [place, cell] of order.entries()) inverse[cell] = place;
  return { order: Uint32Array.from(order), inverse, ranges };
}

/**
 * Key ranges of the rows of `views` views in window order: each row sees the rows of its window.
 *
 * @param seats rows of a cell
 * @returns [views * N * seats, 2]
 */
export function orderedRanges({ order, ranges }: WindowOrder, views: number, seats: number): Uint32Array {
  const rows = order.length * seats;
  const visible = new Uint32Array(2 * views * rows);
  for (let view = 0; view < views; view++)
    for (const [start, end] of ranges)
      for (let row = start * seats; row < end * seats; row++)
        visible.set([view * rows + start * seats, view * rows + end * seats], 2 * (view * rows + row));
  return visible;
}

/**
 * The patch row and column of each seat of cells in an order.
 *
 * @param order raster indices of cells
 * @param cols of the grid, in cells
 * @param side of a cell, in patches
 * @returns [2, views * N * side * side]
 */
export function orderedCoordinates(
  order: Uint32Array,
  { cols, side, views }: { cols: number; side: number; views: number },
): Uint32Array {
  const seats = side * side;
  const each = order.length * seats;
  const places = new Uint32Array(2 * views * each);
  for (let i = 0; i < views * each; i++) {
    const cell = order[Math.floor((i % each) / seats)]!;
    const seat = i % seats;
    places[i] = Math.floor(cell / cols) * side + Math.floor(seat / side);
    places[views * each + i] = (cell % cols) * side + (seat % side);
  }
  return places;
}
