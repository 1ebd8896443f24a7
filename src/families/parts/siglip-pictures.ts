/**
 * Pictures of models with a SigLIP encoder. They stretch a picture to a square, and read long ones a second time in
 * crops (pan and scan). Source: transformers, `image_processing_pil_gemma3.py`.
 */
import { type Size, squash, wholeView } from "../../image/geometry.ts";
import { checkInteger } from "../../shared/assert.ts";
import type { PictureBudget } from "../../shared/picture.ts";
import type { Canvas, Grid, PicturePlan, View } from "../../spec/picture-spec.ts";

/** The rule that decides if a picture is cut, and into how many crops. */
export interface PanAndScan {
  /** The fewest pixels of a crop's side. */
  minCrop: number;
  maxCrops: number;
  /** The smallest ratio of the long side to the short one. */
  minRatio: number;
}

export interface StretchedPictures {
  /** Side of a view, in pixels. */
  side: number;
  grid: Grid;
  /** Missing if no picture is cut. */
  panAndScan?: PanAndScan | undefined;
}

/**
 * The whole picture as one view, then its crops along the long side. A budget's `maxTiles` counts crops.
 *
 * @throws RangeError for limits that are not integers, or that a single view exceeds
 */
export function planStretched(rule: StretchedPictures, picture: Size, budget: PictureBudget): PicturePlan {
  const { side, grid, panAndScan } = rule;
  const most = mostCrops(rule, budget);
  const canvases: Canvas[] = [];
  const views: View[] = [];
  const add = (from: Canvas["from"], size: Size) => {
    canvases.push(squash(from, size, { width: side, height: side }));
    views.push(wholeView(canvases.length - 1, canvases.at(-1)!, grid));
  };
  add("picture", picture);
  for (const { start, size } of panAndScan ? crops(panAndScan, most, picture) : []) {
    canvases.push(cut(picture, start, size));
    add(canvases.length - 1, size);
  }
  return { canvases, views };
}

interface Crop {
  start: { x: number; y: number };
  size: Size;
}

function crops({ minCrop, maxCrops, minRatio }: PanAndScan, most: number, { width, height }: Size): Crop[] {
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  if (long / short < minRatio) return [];
  const ideal = Math.min(Math.floor(long / minCrop), Math.floor(long / short + 0.5));
  const wanted = Math.min(maxCrops, Math.max(2, ideal));
  const count = Math.min(wanted, most);
  const length = Math.ceil(long / count);
  // A budget of one crop means none: it would be the whole picture again.
  if ((count === 1 && wanted > 1) || Math.min(length, short) < minCrop) return [];
  const starts = Array.from({ length: count }, (_, i) => i * length).filter((start) => start < long);
  return starts.map((start) => {
    const along = Math.min(length, long - start);
    return width >= height
      ? { start: { x: start, y: 0 }, size: { width: along, height } }
      : { start: { x: 0, y: start }, size: { width, height: along } };
  });
}

/** A rectangle of the picture as it is. */
function cut(picture: Size, start: Crop["start"], size: Size): Canvas {
  const whole = squash("picture", picture, picture);
  return {
    ...whole,
    x: { ...whole.x, cropStart: start.x, size: size.width },
    y: { ...whole.y, cropStart: start.y, size: size.height },
  };
}

function mostCrops({ side, panAndScan }: StretchedPictures, { maxTiles, maxPixels, minPixels }: PictureBudget): number {
  const view = side ** 2;
  let most = checkInteger("pictures.maxTiles", maxTiles ?? panAndScan?.maxCrops ?? 1, 1);
  const fixed = `this model reads every picture as ${view} pixels`;
  if (maxPixels !== undefined) {
    if (checkInteger("pictures.maxPixels", maxPixels, 1) < view)
      throw new RangeError(`pictures.maxPixels is ${maxPixels}, but ${fixed}; leave it out`);
    most = Math.min(most, Math.floor(maxPixels / view));
  }
  if (minPixels !== undefined && checkInteger("pictures.minPixels", minPixels, 1) > view)
    throw new RangeError(`pictures.minPixels is ${minPixels}, but ${fixed}; leave it out`);
  return most;
}
