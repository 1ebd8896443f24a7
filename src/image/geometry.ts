/**
 * Where the pixels of the model's square come from: the integers of Pillow's and Hugging Face's resizing, and the way
 * from a pixel of the model to a place on the picture and back. Pure; the resampling itself is resample.ts.
 */
import { mat2d } from "gl-matrix";

/** How a picture becomes the encoder's square. */
export interface Preprocessing {
  /**
   * "pad": centred on a square canvas of the mean colour (LLaVA). "crop": shortest edge to `shortestEdge`, then the
   * central square (Hugging Face's CLIP). "squash": straight to the square, whatever the aspect ratio (ViT, SigLIP).
   */
  mode: "pad" | "crop" | "squash";
  /** Side S of the square, in pixels. */
  size: number;
  /** "crop" only: pixels of the shortest edge after resizing; `size` if missing, never less. */
  shortestEdge?: number;
  filter: "bilinear" | "bicubic";
  /** Red, green, blue: pixel values become (byte * rescale - mean) / std. */
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
  rescale: number;
}

/** What happens along one axis; all numbers are pixels. */
export interface AxisPlan {
  /** Of the picture. */
  pictureSize: number;
  /** Of what is resized: the picture, or the canvas that it is padded to. */
  canvasSize: number;
  /** Where the picture begins on the canvas. */
  pictureStart: number;
  /** What the canvas is resized to. */
  resizedSize: number;
  /** The part of the resized canvas that the model sees is [cropStart, cropStart + size). */
  cropStart: number;
  size: number;
}

export interface ResizePlan {
  x: AxisPlan;
  y: AxisPlan;
}

/** The plan for a picture of `width` x `height`. */
export function planResize(
  { mode, size, shortestEdge = size }: Pick<Preprocessing, "mode" | "size" | "shortestEdge">,
  width: number,
  height: number,
): ResizePlan {
  const long = Math.max(width, height);
  const short = Math.min(width, height);
  const axis = (pictureSize: number): AxisPlan => {
    const plain = { pictureSize, canvasSize: pictureSize, pictureStart: 0, resizedSize: size, cropStart: 0, size };
    if (mode === "squash") return plain;
    if (mode === "pad") return { ...plain, canvasSize: long, pictureStart: Math.floor((long - pictureSize) / 2) };
    // Hugging Face: new_long = int(new_short * long / short), crop from (new - size) // 2.
    const resizedSize = pictureSize === short ? shortestEdge : Math.trunc((shortestEdge * pictureSize) / short);
    return { ...plain, resizedSize, cropStart: Math.floor((resizedSize - size) / 2) };
  };
  return { x: axis(width), y: axis(height) };
}

/** Canvas of the "pad" mode, red in the low byte: the mean as bytes, rounded down, as LLaVA does; CLIP's is (122, 116, 104). */
export function padColour({ mean }: Pick<Preprocessing, "mean">): number {
  const [red, green, blue] = mean.map((value) => Math.min(255, Math.max(0, Math.trunc(value * 255)))) as [
    number,
    number,
    number,
  ];
  return (red | (green << 8) | (blue << 16) | (255 << 24)) >>> 0;
}

/** Takes points of the model's square, continuous with (0, 0) in the top left corner, to points of the picture. */
export function modelToPicture({ x, y }: ResizePlan): mat2d {
  const scaleX = x.canvasSize / x.resizedSize;
  const scaleY = y.canvasSize / y.resizedSize;
  // Plain arrays keep f64; gl-matrix's own would be f32, too coarse for pictures of many thousand pixels.
  const transform: mat2d = [1, 0, 0, 1, 0, 0];
  mat2d.translate(transform, transform, [-x.pictureStart, -y.pictureStart]);
  mat2d.scale(transform, transform, [scaleX, scaleY]);
  return mat2d.translate(transform, transform, [x.cropStart, y.cropStart]);
}

/** The way back; points outside the part that the model sees land outside its square. */
export function pictureToModel(plan: ResizePlan): mat2d {
  // Scales are positive, so there is an inverse.
  return mat2d.invert([1, 0, 0, 1, 0, 0], modelToPicture(plan))!;
}

/** In pixels of the picture; not whole numbers in general. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * What of the picture a patch covers, for overlays; its width or height is 0 where the patch sees nothing but padding.
 *
 * @param patch index, row by row
 * @param patchSize pixels of the model
 */
export function patchRectangle(plan: ResizePlan, patchSize: number, patch: number): Rectangle {
  const columns = Math.floor(plan.x.size / patchSize);
  const [scaleX, , , scaleY, startX, startY] = modelToPicture(plan) as [number, number, number, number, number, number];
  const span = (start: number, scale: number, index: number, limit: number): [number, number] => {
    const clip = (at: number) => Math.min(limit, Math.max(0, start + scale * at * patchSize));
    const from = clip(index);
    return [from, clip(index + 1) - from];
  };
  const [x, width] = span(startX, scaleX, patch % columns, plan.x.pictureSize);
  const [y, height] = span(startY, scaleY, Math.floor(patch / columns), plan.y.pictureSize);
  return { x, y, width, height };
}
