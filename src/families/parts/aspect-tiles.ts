/**
 * The rule of InternVL and GOT-OCR 2: square tiles in the rows and columns whose aspect ratio is nearest to the
 * picture's, then a thumbnail. Source: transformers, `image_processing_got_ocr2.py`.
 */
import { type Size, squash, tiles, wholeView } from "../../image/geometry.ts";
import { checkInteger } from "../../shared/assert.ts";
import type { PictureBudget } from "../../shared/picture.ts";
import type { Grid, PicturePlan } from "../../spec/picture-spec.ts";

export interface AspectTiles {
  /** S, pixels of a view's side. */
  side: number;
  /** Patches of a view. */
  grid: Grid;
  minTiles: number;
  maxTiles: number;
}

/**
 * Resizes the picture once, to whole tiles, ignoring its aspect ratio. A picture of one tile has no thumbnail.
 *
 * @throws RangeError for a limit of the budget that is out of range; TypeError for `minPixels`, which does not apply
 * here
 */
export function planAspectTiles(rule: AspectTiles, width: number, height: number, budget: PictureBudget): PicturePlan {
  const { side, grid } = rule;
  const picture = { width, height };
  const { rows, cols } = bestGrid(rule, mostTiles(rule, budget), picture);
  const whole = squash("picture", picture, { width: side, height: side });
  if (rows * cols === 1) return { canvases: [whole], views: [wholeView(0, whole, grid)] };
  const cut = squash("picture", picture, { width: cols * side, height: rows * side });
  return { canvases: [cut, whole], views: [...tiles(0, cut, side, grid), wholeView(1, whole, grid)] };
}

/** Tiles that the rule and a budget allow. */
function mostTiles({ side, maxTiles: most }: AspectTiles, { maxTiles, maxPixels, minPixels }: PictureBudget): number {
  if (minPixels !== undefined)
    throw new TypeError(
      `pictures.minPixels is ${minPixels}, but this model chooses the number of tiles by the aspect ratio; leave it out`,
    );
  const limits = [most];
  if (maxTiles !== undefined) limits.push(checkInteger("pictures.maxTiles", maxTiles, 1));
  if (maxPixels !== undefined) {
    const name = `pictures.maxPixels (a view has ${side} x ${side})`;
    limits.push(Math.floor(checkInteger(name, maxPixels, side * side) / (side * side)));
  }
  return Math.min(...limits);
}

/**
 * The grid of the nearest aspect ratio. Among equally near ones, a later one with more tiles wins if the picture fills
 * half of its pixels.
 */
export function bestGrid(
  { side, minTiles }: Pick<AspectTiles, "side" | "minTiles">,
  most: number,
  { width, height }: Size,
): Grid {
  let best: Grid = { rows: 1, cols: 1 };
  let smallest = Number.POSITIVE_INFINITY;
  for (const candidate of candidates(Math.min(minTiles, most), most)) {
    const { rows, cols } = candidate;
    const difference = Math.abs(width / height - cols / rows);
    if (difference > smallest || (difference === smallest && width * height <= 0.5 * side * side * rows * cols))
      continue;
    [best, smallest] = [candidate, difference];
  }
  return best;
}

/** Grids of `least` to `most` tiles, ordered by their number, then by columns. */
function candidates(least: number, most: number): Grid[] {
  const grids: Grid[] = [];
  for (let count = least; count <= most; count++)
    for (let cols = 1; cols <= count; cols++) if (count % cols === 0) grids.push({ rows: count / cols, cols });
  return grids;
}
