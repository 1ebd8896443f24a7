/** How pictures become what an encoder reads: canvases, views of them, and the rows that they are in a prompt. Types only. */

/** Patches of a view. */
export interface Grid {
  rows: number;
  cols: number;
}

/** What happens along one axis; all numbers are pixels. */
export interface AxisPlan {
  /** Of the picture, or of the canvas that is read. */
  pictureSize: number;
  /** Of what is resized: the picture, or the canvas that it is padded to. */
  canvasSize: number;
  /** Where the picture begins on the canvas. */
  pictureStart: number;
  /** What the canvas is resized to. */
  resizedSize: number;
  /** The part of the resized canvas that is kept: [cropStart, cropStart + size). */
  cropStart: number;
  size: number;
}

/** A resized copy of the picture, or of an earlier canvas; 8 bits a channel, as Pillow rounds. */
export interface Canvas {
  /** The picture, or the index of an earlier canvas. */
  from: "picture" | number;
  x: AxisPlan;
  y: AxisPlan;
}

/** One picture that the encoder reads: a rectangle of a canvas. */
export interface View {
  grid: Grid;
  /** Index of the canvas. */
  canvas: number;
  /** Pixels of the canvas. */
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Canvases in the order in which they are made, and views in the order of the prompt's rows. */
export interface PicturePlan {
  canvases: readonly Canvas[];
  views: readonly View[];
}

/** A piece of what stands in the prompt for a picture: text (tags), or the rows of one view. */
export type PictureRun = { text: string } | { view: number; rows: number };

/** The caller's limits on what one picture may cost. */
export interface PictureBudget {
  maxTiles?: number;
  maxPixels?: number;
  minPixels?: number;
}

/** How a model wants its pictures. */
export interface PictureSpec {
  /** The text that stands for a picture in a rendered chat template. */
  placeholder: string;
  filter: "bilinear" | "bicubic" | "lanczos";
  /** Red, green, blue: pixel values become (byte * rescale - mean) / std. */
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
  rescale: number;
  /** RGBA8, red in the low byte: the canvas outside the picture; missing where no canvas is padded. */
  padColour?: number;
  /** Pure. Throws RangeError or TypeError for a budget that makes no sense for the model. */
  plan(width: number, height: number, budget: PictureBudget): PicturePlan;
  /** @param rowsOfView rows of the decoder that each view takes, after compression */
  runs(plan: PicturePlan, rowsOfView: readonly number[]): readonly PictureRun[];
}
