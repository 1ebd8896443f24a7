/**
 * Longest edge to a fixed length, then square tiles and an overview: the rule of Idefics3 and its successors. Every
 * picture is resized, small ones are enlarged. Source: `image_processing_idefics3.py` of transformers.
 */
import { canvasSize, chain, type Size, tiles, wholeView } from "../../image/geometry.ts";
import { checkInteger } from "../../shared/assert.ts";
import type { PictureBudget } from "../../shared/picture.ts";
import type { Grid, PicturePlan } from "../../spec/picture-spec.ts";

export interface LongestEdgeTiles {
  /** L, pixels of the longest edge after the first resize (`size.longest_edge`). */
  longestEdge: number;
  /** t, side of a tile in pixels (`max_image_size.longest_edge`). */
  tile: number;
  /** Patches of a tile. */
  grid: Grid;
  /** False for one view per picture (`do_image_splitting`). */
  splits: boolean;
}

/** No edge is longer after the first resize (`MAX_IMAGE_SIZE`). */
const MAX_EDGE = 4096;

/**
 * Plans a picture: its tiles row by row and then an overview, or one view. A budget makes the canvas smaller, never
 * larger: `maxTiles` counts the tiles without the overview, `maxPixels` their pixels.
 *
 * @throws RangeError for limits that are not integers or are below one tile; TypeError for `minPixels`, which does not
 * apply here
 */
export function planLongestEdgeTiles(
  rule: LongestEdgeTiles,
  width: number,
  height: number,
  budget: PictureBudget,
): PicturePlan {
  const maxTiles = mostTiles(rule, budget);
  const { longestEdge, tile, grid } = rule;
  const picture = { width, height };
  const single = { width: tile, height: tile };
  const tiledEdge = rule.splits ? edgeOfTiles(maxTiles, longestEdge, picture, tile) : undefined;
  const first = firstSize(picture, tiledEdge ?? longestEdge);
  const whole = tiledEdge === undefined ? single : tiledSize(first, tile);
  const isCut = whole.width > tile || whole.height > tile;
  const canvases = chain(picture, [first, ...(isCut ? [whole] : []), single]);
  const last = canvases.length - 1;
  const overview = wholeView(last, canvases[last]!, grid);
  return { canvases, views: isCut ? [...tiles(last - 1, canvases[last - 1]!, tile, grid), overview] : [overview] };
}

/** Rows and columns of tiles of such a plan; 0 x 0 for a picture in one view. */
export function tileGrid({ canvases, views }: PicturePlan): Grid {
  if (views.length === 1) return { rows: 0, cols: 0 };
  const { canvas, width, height } = views[0]!;
  const size = canvasSize(canvases[canvas]!);
  return { rows: size.height / height, cols: size.width / width };
}

/** Tiles that a budget allows. */
function mostTiles({ tile, longestEdge }: LongestEdgeTiles, { maxTiles, maxPixels, minPixels }: PictureBudget): number {
  if (minPixels !== undefined)
    throw new TypeError(
      `pictures.minPixels is ${minPixels}, but this model enlarges every picture to ${longestEdge} pixels by itself; leave it out`,
    );
  const tiles = [Number.POSITIVE_INFINITY];
  if (maxTiles !== undefined) tiles.push(checkInteger("pictures.maxTiles", maxTiles, 1));
  if (maxPixels !== undefined) {
    const name = `pictures.maxPixels (a tile has ${tile} x ${tile})`;
    tiles.push(Math.floor(checkInteger(name, maxPixels, tile * tile) / (tile * tile)));
  }
  return Math.min(...tiles);
}

/** The size after the first resize. An odd short edge grows by one pixel, except at the cap. */
function firstSize({ width, height }: Size, longestEdge: number): Size {
  const aspect = width / height;
  const even = (edge: number) => Math.max(1, edge + (edge % 2));
  const size =
    width >= height
      ? { width: longestEdge, height: even(Math.trunc(longestEdge / aspect)) }
      : { width: even(Math.trunc(longestEdge * aspect)), height: longestEdge };
  return capped(size);
}

function capped(size: Size): Size {
  const { width, height } = size;
  if (Math.max(width, height) <= MAX_EDGE) return size;
  const aspect = width / height;
  return width >= height
    ? { width: MAX_EDGE, height: Math.max(1, Math.trunc(MAX_EDGE / aspect)) }
    : { width: Math.max(1, Math.trunc(MAX_EDGE * aspect)), height: MAX_EDGE };
}

/** The size that is cut into tiles: both sides rounded up to multiples of `tile`, the longer one first. */
function tiledSize({ width, height }: Size, tile: number): Size {
  const aspect = width / height;
  const up = (edge: number) => Math.ceil(edge / tile) * tile;
  if (width >= height) return { width: up(width), height: up(Math.trunc(up(width) / aspect)) };
  return { width: up(Math.trunc(up(height) * aspect)), height: up(height) };
}

/**
 * `edge` if it yields at most `maxTiles` tiles, else the largest smaller multiple of `tile` that does. Undefined if
 * that would be one tile: the picture is then not split.
 */
function edgeOfTiles(maxTiles: number, edge: number, picture: Size, tile: number): number | undefined {
  if (maxTiles === 1) return undefined;
  const count = (candidate: number) => {
    const { width, height } = tiledSize(firstSize(picture, candidate), tile);
    return (width / tile) * (height / tile);
  };
  if (count(edge) <= maxTiles) return edge;
  for (let side = Math.ceil(Math.min(edge, MAX_EDGE) / tile) - 1; side > 1; side--)
    if (count(side * tile) <= maxTiles) return side * tile;
  return undefined;
}
