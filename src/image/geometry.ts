/**
 * Plans of canvases and views, and the maps from pixels of a view to places on the picture and back. The integers are
 * those of Pillow's and Hugging Face's resizing. Pure; the resampling itself is resample.ts.
 */
import { mat2d } from "gl-matrix";
import type { AxisPlan, Canvas, Grid, PicturePlan, PictureSpec, View } from "../spec/picture-spec.ts";

/** Pixels. */
export interface Size {
  width: number;
  height: number;
}

/** The three ways to turn a picture into a square that depend only on its size. */
export interface SquareFit {
  /**
   * "pad": centred on a square canvas of the padding's colour (LLaVA). "crop": shortest edge to `shortestEdge`, then the
   * central square (Hugging Face's CLIP). "squash": straight to the square, whatever the aspect ratio (ViT, SigLIP).
   */
  mode: "pad" | "crop" | "squash";
  /** Side S of the square, in pixels. */
  size: number;
  /** "crop" only: pixels of the shortest edge after resizing; `size` if missing, never less. */
  shortestEdge?: number;
}

/** Size of a canvas. */
export function canvasSize({ x, y }: Canvas): Size {
  return { width: x.size, height: y.size };
}

/** One axis of a plain resize. */
function resizedAxis(pictureSize: number, size: number): AxisPlan {
  return { pictureSize, canvasSize: pictureSize, pictureStart: 0, resizedSize: size, cropStart: 0, size };
}

/** Resizes directly to `to`, ignoring the aspect ratio. @param size of the source */
export function squash(from: Canvas["from"], size: Size, to: Size): Canvas {
  return { from, x: resizedAxis(size.width, to.width), y: resizedAxis(size.height, to.height) };
}

/** Centres on a square of the longer side, with an odd pixel at the end, and resizes that to `side`. */
export function pad(from: Canvas["from"], { width, height }: Size, side: number): Canvas {
  const canvasSize = Math.max(width, height);
  const axis = (pictureSize: number): AxisPlan => ({
    ...resizedAxis(pictureSize, side),
    canvasSize,
    pictureStart: Math.floor((canvasSize - pictureSize) / 2),
  });
  return { from, x: axis(width), y: axis(height) };
}

/**
 * Centres on a canvas of another size without a resize, with an odd pixel at the end. @param to no smaller than `size`
 */
export function centre(from: Canvas["from"], size: Size, to: Size): Canvas {
  const axis = (pictureSize: number, canvasSize: number): AxisPlan => ({
    ...resizedAxis(pictureSize, canvasSize),
    canvasSize,
    pictureStart: Math.floor((canvasSize - pictureSize) / 2),
  });
  return { from, x: axis(size.width, to.width), y: axis(size.height, to.height) };
}

/** Resizes the shorter side to `shortestEdge`, the longer one in proportion, and keeps the central square. */
export function crop(from: Canvas["from"], { width, height }: Size, side: number, shortestEdge = side): Canvas {
  const short = Math.min(width, height);
  const axis = (pictureSize: number): AxisPlan => {
    // Hugging Face: new_long = int(new_short * long / short), crop from (new - size) // 2.
    const resizedSize = pictureSize === short ? shortestEdge : Math.trunc((shortestEdge * pictureSize) / short);
    return { ...resizedAxis(pictureSize, side), resizedSize, cropStart: Math.floor((resizedSize - side) / 2) };
  };
  return { from, x: axis(width), y: axis(height) };
}

/** Canvases of successive resizes. Resizes that keep the size are left out, except the first: a view needs a canvas. */
export function chain(picture: Size, sizes: readonly Size[]): Canvas[] {
  const canvases: Canvas[] = [];
  for (const to of sizes) {
    const last = canvases.at(-1);
    const from = last ? canvasSize(last) : picture;
    if (last && from.width === to.width && from.height === to.height) continue;
    canvases.push(squash(last ? canvases.length - 1 : "picture", from, to));
  }
  return canvases;
}

/** A whole canvas as one view. @param index of the canvas */
export function wholeView(index: number, canvas: Canvas, grid: Grid): View {
  return { grid, canvas: index, left: 0, top: 0, ...canvasSize(canvas) };
}

/** A canvas cut into squares of `side`, row by row; its sides are multiples of `side`. @param grid of each square */
export function tiles(index: number, canvas: Canvas, side: number, grid: Grid): View[] {
  const { width, height } = canvasSize(canvas);
  const views: View[] = [];
  for (let top = 0; top + side <= height; top += side)
    for (let left = 0; left + side <= width; left += side)
      views.push({ grid, canvas: index, left, top, width: side, height: side });
  return views;
}

/** A plan of one square view. @param patchSize pixels; remainders at the far edges that fill no patch are not read */
export function squarePlan(
  { mode, size, shortestEdge }: SquareFit,
  patchSize: number,
  width: number,
  height: number,
): PicturePlan {
  const picture = { width, height };
  const canvas =
    mode === "pad"
      ? pad("picture", picture, size)
      : mode === "crop"
        ? crop("picture", picture, size, shortestEdge)
        : squash("picture", picture, { width: size, height: size });
  const side = Math.floor(size / patchSize);
  return { canvases: [canvas], views: [wholeView(0, canvas, { rows: side, cols: side })] };
}

/** Colour of the "pad" mode, red in the low byte: the mean as bytes, rounded down, as LLaVA does; CLIP's is (122, 116, 104). */
export function padColour({ mean }: Pick<PictureSpec, "mean">): number {
  const [red, green, blue] = mean.map((value) => Math.min(255, Math.max(0, Math.trunc(value * 255)))) as [
    number,
    number,
    number,
  ];
  return (red | (green << 8) | (blue << 16) | (255 << 24)) >>> 0;
}

/** Maps points of a canvas, continuous with (0, 0) in the top left corner, to points of its source. */
function canvasToSource({ x, y }: Canvas): mat2d {
  // Plain arrays keep f64; gl-matrix's own would be f32, too coarse for pictures of many thousand pixels.
  const transform: mat2d = [1, 0, 0, 1, 0, 0];
  mat2d.translate(transform, transform, [-x.pictureStart, -y.pictureStart]);
  mat2d.scale(transform, transform, [x.canvasSize / x.resizedSize, y.canvasSize / y.resizedSize]);
  return mat2d.translate(transform, transform, [x.cropStart, y.cropStart]);
}

/**
 * Maps points of a view (pixels, continuous, (0, 0) in its top left corner) to points of the picture. The formulas are
 * x' = m[0] * x + m[4], y' = m[3] * y + m[5]. The scales are positive, so there is an inverse.
 */
export function viewToPicture({ canvases }: PicturePlan, view: View): mat2d {
  const transform: mat2d = [1, 0, 0, 1, 0, 0];
  for (let at: Canvas["from"] = view.canvas; at !== "picture"; at = canvases[at]!.from)
    mat2d.multiply(transform, canvasToSource(canvases[at]!), transform);
  return mat2d.translate(transform, transform, [view.left, view.top]);
}

/** In pixels of the picture; not whole numbers in general. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Squares over a view, or strips: its patches, or its cells. */
export interface ViewGrid extends Grid {
  /** From pixels of the view to pixels of the picture; see `viewToPicture`. */
  toPicture: ScaleAndShift;
  /** Side of a square, in pixels of the view. */
  side: number;
  /** Pixels from left to right of a strip, which is `side` high; default `side`. */
  across?: number;
}

/** A map of `viewToPicture`, as gl-matrix or plain data. */
export type ScaleAndShift = Readonly<ArrayLike<number>>;

/**
 * The part of the picture that a patch or cell covers, for overlays; the width or height is 0 if it sees only padding.
 *
 * @param index of the square, row by row
 */
export function squareOnPicture(
  { toPicture, cols, side, across = side }: ViewGrid,
  index: number,
  picture: Size,
): Rectangle {
  const square = { x: (index % cols) * across, y: Math.floor(index / cols) * side, width: across, height: side };
  return clipToPicture(toPicture, square, picture);
}

/** A rectangle of a view on the picture, cut at the picture's borders. */
export function clipToPicture(toPicture: ScaleAndShift, { x, y, width, height }: Rectangle, picture: Size): Rectangle {
  const span = (axis: 0 | 1, start: number, length: number, limit: number): [number, number] => {
    const clip = (at: number) => Math.min(limit, Math.max(0, toPicture[4 + axis]! + toPicture[3 * axis]! * at));
    return [clip(start), clip(start + length) - clip(start)];
  };
  const [left, wide] = span(0, x, width, picture.width);
  const [top, high] = span(1, y, height, picture.height);
  return { x: left, y: top, width: wide, height: high };
}

/** The square that contains a point of the picture; undefined outside the grid. */
export function squareAt(
  { toPicture, rows, cols, side, across = side }: ViewGrid,
  x: number,
  y: number,
): number | undefined {
  const col = Math.floor((x - toPicture[4]!) / toPicture[0]! / across);
  const row = Math.floor((y - toPicture[5]!) / toPicture[3]! / side);
  return col >= 0 && col < cols && row >= 0 && row < rows ? row * cols + col : undefined;
}
