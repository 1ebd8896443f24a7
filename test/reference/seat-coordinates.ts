/** Places of the seats of cells in the grid. */
import type { Origin } from "./owners.ts";

/**
 * The patch row and column of every seat, cell by cell: the seat's place in the cell, from the first patch of its owner on.
 *
 * @param cols of the grid, in cells
 * @param side of a cell, in patches
 */
export function seatCoordinates(
  origins: readonly Origin[],
  cols: number,
  side: number,
): { rows: number[]; cols: number[] } {
  const places = origins.flatMap(({ owner }) => {
    const top = Math.floor(owner / cols) * side;
    const left = (owner % cols) * side;
    const seats: [number, number][] = [];
    for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) seats.push([top + y, left + x]);
    return seats;
  });
  return { rows: places.map(([row]) => row), cols: places.map(([, col]) => col) };
}
