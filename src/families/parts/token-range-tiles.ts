/**
 * A view of the picture's own shape, in a range of tokens, and square tiles before it for large pictures: the rule of
 * LFM2-VL. Source: transformers, `image_processing_lfm2_vl_fast.py`.
 */
import { type Size, squash, tiles, wholeView } from "../../image/geometry.ts";
import { checkInteger } from "../../shared/assert.ts";
import type { PictureBudget } from "../../shared/picture.ts";
import { roundHalfEven } from "../../shared/round.ts";
import type { Grid, PicturePlan } from "../../spec/picture-spec.ts";
import { bestGrid } from "./aspect-tiles.ts";

export interface TokenRangeTiles {
  /** Pixels of a patch's side. */
  patch: number;
  /** Patches of a cell's side; a cell is a token. */
  cell: number;
  /** Range of tokens of a view of the whole picture, as far as its shape allows. */
  minTokens: number;
  maxTokens: number;
  /** A picture is large if it has this many times the pixels of `maxTokens`. */
  tolerance: number;
  /** Pixels of a tile's side, a multiple of a cell's. */
  tile: number;
  minTiles: number;
  /** 1 for a model that cuts no picture. */
  maxTiles: number;
  /** True if a view of the whole picture follows the tiles. */
  thumbnail: boolean;
}

/**
 * Plans a picture. A budget's `maxTiles` counts tiles without the thumbnail, `maxPixels` their pixels or those of the only
 * view; `minPixels` holds for a view of the whole picture.
 *
 * @throws RangeError for limits that are not integers, are below one cell or tile, or contradict each other
 */
export function planTokenRangeTiles(
  rule: TokenRangeTiles,
  width: number,
  height: number,
  budget: PictureBudget,
): PicturePlan {
  const { patch, tile } = rule;
  const picture = { width, height };
  const { most, ...range } = withBudget(rule, budget);
  const size = wholeSize(rule, range, picture);
  const whole = squash("picture", picture, size);
  const grid = { rows: size.height / patch, cols: size.width / patch };
  const cut: Grid = most > 1 && isLarge(rule, picture) ? bestGrid({ side: tile, ...rule }, most, picture) : ONE;
  if (cut.rows * cut.cols === 1) return { canvases: [whole], views: [wholeView(0, whole, grid)] };
  const canvas = squash("picture", picture, { width: cut.cols * tile, height: cut.rows * tile });
  const side = tile / patch;
  const views = tiles(0, canvas, tile, { rows: side, cols: side });
  if (!rule.thumbnail) return { canvases: [canvas], views };
  return { canvases: [canvas, whole], views: [...views, wholeView(1, whole, grid)] };
}

const ONE: Grid = { rows: 1, cols: 1 };

/** Tokens of a view of the whole picture, and the most tiles (1 if the budget allows fewer than the rule's least). */
function withBudget(
  { patch, cell, minTokens, maxTokens, tile, minTiles, maxTiles: mostTiles }: TokenRangeTiles,
  { maxTiles = mostTiles, maxPixels, minPixels }: PictureBudget,
): { most: number; minTokens: number; maxTokens: number } {
  const token = (patch * cell) ** 2;
  let most = Math.min(mostTiles, checkInteger("pictures.maxTiles", maxTiles, 1));
  const range = { minTokens, maxTokens };
  if (maxPixels !== undefined) {
    checkInteger(`pictures.maxPixels (a token has ${patch * cell} x ${patch * cell})`, maxPixels, token);
    most = Math.min(most, Math.floor(maxPixels / tile ** 2));
    range.maxTokens = Math.min(maxTokens, Math.floor(maxPixels / token));
  }
  if (minPixels !== undefined) {
    const name = `pictures.minPixels (a view of this model has up to ${range.maxTokens * token})`;
    const least = Math.ceil(checkInteger(name, minPixels, 1, range.maxTokens * token) / token);
    range.minTokens = Math.max(minTokens, least);
  }
  range.minTokens = Math.min(range.minTokens, range.maxTokens);
  return { most: most < minTiles ? 1 : most, ...range };
}

function isLarge({ patch, cell, maxTokens, tolerance }: TokenRangeTiles, { width, height }: Size): boolean {
  const factor = patch * cell;
  const rounded = (edge: number) => Math.max(patch, roundHalfEven(edge / factor) * factor);
  return rounded(width) * rounded(height) > maxTokens * factor ** 2 * tolerance;
}

/** The picture's shape in whole cells, so that it has `minTokens` to `maxTokens`. */
function wholeSize(
  { patch, cell }: TokenRangeTiles,
  { minTokens, maxTokens }: { minTokens: number; maxTokens: number },
  { width, height }: Size,
): Size {
  const factor = patch * cell;
  const [least, most] = [minTokens * factor ** 2, maxTokens * factor ** 2];
  const sized = (edge: (pixels: number) => number): Size => ({
    width: Math.max(1, edge(width)) * factor,
    height: Math.max(1, edge(height)) * factor,
  });
  let size = sized((pixels) => roundHalfEven(pixels / factor));
  if (size.width * size.height > most) {
    const scale = Math.sqrt((height * width) / most);
    size = sized((pixels) => Math.floor(pixels / scale / factor));
  } else if (size.width * size.height < least) {
    const scale = Math.sqrt(least / (height * width));
    size = sized((pixels) => Math.ceil((pixels * scale) / factor));
  }
  // The published rule lets a side of one cell, and so the tokens of a view, grow too far.
  const longest = (across: number) => Math.floor(maxTokens / (across / factor)) * factor;
  if (size.width > size.height) return { ...size, width: Math.min(size.width, longest(size.height)) };
  return { ...size, height: Math.min(size.height, longest(size.width)) };
}
