/**
 * Pictures as tiles at the best of a list of resolutions, plus a squashed view of the whole: the "anyres" rule of
 * LLaVA-NeXT and LLaVA-OneVision. Source: transformers, `image_processing_llava_next.py`.
 */
import { centre, type Size, squash, tiles, wholeView } from "../../image/geometry.ts";
import { checkInteger } from "../../shared/assert.ts";
import type { PictureBudget } from "../../shared/picture.ts";
import type { Canvas, Grid, PicturePlan } from "../../spec/picture-spec.ts";

export interface AnyresRule {
  /** Resolutions in the file's order, multiples of `side`. */
  resolutions: readonly Size[];
  /** S, pixels of a view's side. */
  side: number;
  /** Patches of a view. */
  grid: Grid;
}

/** RGBA8 of the padding around a tiled picture. */
const BLACK = 0xff000000;

/**
 * Plans the whole picture, and the tiles of the best resolution that the budget allows. Without such a resolution the
 * picture has one view.
 *
 * @throws RangeError for a limit of the budget that is out of range; TypeError for `minPixels`, which does not apply here
 */
export function planAnyres(rule: AnyresRule, width: number, height: number, budget: PictureBudget): PicturePlan {
  const { side, grid } = rule;
  const picture = { width, height };
  const whole = squash("picture", picture, { width: side, height: side });
  const best = bestResolution(allowed(rule, budget), picture);
  if (!best) return { canvases: [whole], views: [wholeView(0, whole, grid)], padColour: BLACK };
  const canvases = [whole, ...fitted(picture, best)];
  const last = canvases.length - 1;
  return {
    canvases,
    views: [wholeView(0, whole, grid), ...tiles(last, canvases[last]!, side, grid)],
    padColour: BLACK,
  };
}

/** Resolutions that a budget allows. */
function allowed({ resolutions, side }: AnyresRule, { maxTiles, maxPixels, minPixels }: PictureBudget): Size[] {
  if (minPixels !== undefined)
    throw new TypeError(
      `pictures.minPixels is ${minPixels}, but this model chooses among fixed resolutions by itself; leave it out`,
    );
  const limits = [Number.POSITIVE_INFINITY];
  if (maxTiles !== undefined) limits.push(checkInteger("pictures.maxTiles", maxTiles, 1));
  if (maxPixels !== undefined) {
    const name = `pictures.maxPixels (a view has ${side} x ${side})`;
    limits.push(Math.floor(checkInteger(name, maxPixels, side * side) / (side * side)));
  }
  const most = Math.min(...limits);
  // A budget of one tile means no tiling.
  return most === 1 ? [] : resolutions.filter(({ width, height }) => (width * height) / side ** 2 <= most);
}

/** Most usable pixels, then least waste, then the first. */
function bestResolution(resolutions: readonly Size[], { width, height }: Size): Size | undefined {
  let best: Size | undefined;
  let bestUsable = -1;
  let bestWaste = 0;
  for (const size of resolutions) {
    const scale = Math.min(size.width / width, size.height / height);
    const usable = Math.min(Math.trunc(width * scale) * Math.trunc(height * scale), width * height);
    const waste = size.width * size.height - usable;
    if (usable < bestUsable || (usable === bestUsable && waste >= bestWaste)) continue;
    [best, bestUsable, bestWaste] = [size, usable, waste];
  }
  return best;
}

/** The picture inside a resolution, then centred on it. */
function fitted(picture: Size, size: Size): Canvas[] {
  const [across, down] = [size.width / picture.width, size.height / picture.height];
  const inside =
    across < down
      ? { width: size.width, height: Math.min(Math.ceil(picture.height * across), size.height) }
      : { width: Math.min(Math.ceil(picture.width * down), size.width), height: size.height };
  const resized = squash("picture", picture, inside);
  const isFull = inside.width === size.width && inside.height === size.height;
  return isFull ? [resized] : [resized, centre(1, inside, size)];
}
