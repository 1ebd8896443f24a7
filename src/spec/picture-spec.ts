/**
 * Pictures as views: how a picture of any size becomes the views that the encoder reads, and its rows in a prompt.
 * Types only; image/geometry.ts has the geometry, families have the rules.
 */
import type { PictureBudget } from "../shared/picture.ts";
import type { VideoRule } from "../shared/video.ts";

/** Patches of a view. */
export interface Grid {
  rows: number;
  cols: number;
}

/** One axis of a resize; all numbers are pixels. */
export interface AxisPlan {
  /** Size of the source: the picture, or an earlier canvas. */
  pictureSize: number;
  /** Size before the resize: that of the source, or of the larger canvas to which it is padded. */
  canvasSize: number;
  /** Start of the source on the padded canvas. */
  pictureStart: number;
  /** Size after the resize. */
  resizedSize: number;
  /** The kept part of the result is [cropStart, cropStart + size). */
  cropStart: number;
  size: number;
}

/** A resized copy of the picture or of an earlier canvas, rounded to 8 bits a channel after each pass. */
export interface Canvas {
  from: "picture" | number;
  x: AxisPlan;
  y: AxisPlan;
}

/** One picture that the encoder reads: a rectangle of a canvas, in pixels. */
export interface View {
  grid: Grid;
  /** Index of the canvas. */
  canvas: number;
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface PicturePlan {
  /** In the order in which they are drawn. */
  canvases: readonly Canvas[];
  /** In the order of the connector's rows in the prompt. */
  views: readonly View[];
  /** RGBA8 in place of the spec's. */
  padColour?: number;
}

/**
 * A piece of a picture's place in the prompt: text, the rows of one view, or the next rows of an arrangement. Rows
 * `beside` the prompt have one placeholder in it.
 */
export type PictureRun =
  | { text: string }
  | { view: number; rows: number; beside?: true }
  | { rows: number; beside?: undefined };

/** Tokens that a run of rows takes in the prompt. */
export function tokensOf(run: Exclude<PictureRun, { text: string }>): number {
  return run.beside ? 1 : run.rows;
}

/**
 * Rows of a prompt as sums of K weighted rows each. A source counts through the rows of all views in order, then through
 * the learned rows.
 */
export interface Arrangement {
  sources: Uint32Array; // [T, K]
  /** 0 for an unused source. */
  weights: Float32Array; // [T, K]
  /** K */
  taps: number;
  /** Rows of each line, where the prompt has text between lines. */
  lines?: readonly number[];
}

/** The arrangement of a picture's rows, for a prompt that does not take them view by view. Pure. */
export interface RowOrder {
  /** Learned rows, which the tensor "connector.learned" [L, W] holds. */
  learned: number;
  /**
   * The arrangement of a picture's rows.
   *
   * @param owners the owners of each view's rows, as raster indices; without it the views are whole
   */
  arrange(plan: PicturePlan, owners?: readonly ArrayLike<number>[]): Arrangement;
  /**
   * Cells by which each view counts under compression, if a whole picture has fewer rows than cells. Ratios and counts
   * then refer to these, so that a compressed picture has no more rows than a whole one. Default: each view's own.
   */
  counted?(plan: PicturePlan): readonly number[];
  /** The most T for these remaining rows of each view; memory is planned for it. */
  most(plan: PicturePlan, rowsOfView: readonly number[]): number;
}

type Triple = readonly [number, number, number];

/** How a model reads pictures. */
export interface PictureSpec {
  filter: "bilinear" | "bicubic" | "lanczos";
  /**
   * Resizes bytes as torchvision does: columns first, weights of at most 15 bits. By default resizes as Pillow does.
   */
  resizesLikeTorch?: true;
  /** Red, green, blue: a value becomes (byte * rescale - mean) / std. */
  mean: Triple;
  std: Triple;
  rescale: number;
  /** RGBA8, red in the low byte: fills a canvas outside the picture. Missing where no canvas is padded. */
  padColour?: number;
  /**
   * The views of a picture of `width` x `height` pixels. Pure.
   *
   * @throws RangeError or TypeError for a budget that this model does not support
   */
  plan(width: number, height: number, budget: PictureBudget): PicturePlan;
  /**
   * The same for each of several pictures of a conversation, for a model that reads those differently from a single
   * one.
   */
  planSeveral?(width: number, height: number, budget: PictureBudget): PicturePlan;
  /** Missing where the rows of the views follow each other. */
  order?: RowOrder;
  /**
   * The prompt's text and rows for a picture. Pure.
   *
   * @param rows remaining of each view; with an `order` those of each line of the arrangement, or one number, T
   */
  runs(plan: PicturePlan, rows: readonly number[]): readonly PictureRun[];
  /** Texts by which chat templates mark a picture, if they do not write the placeholder's own. */
  marks?: readonly string[];
  /** How the model was trained to read videos as pictures; without it, eight pictures without words. */
  video?: VideoRule;
  /** Follows a picture's mark in a message that is one string; default a line break. */
  afterMark?: string;
  /** The costliest picture under the default budget; memory is planned for it. */
  largest: { width: number; height: number };
  /**
   * Present if a picture is one view of its own shape and its tokens grow with its pixels. A request without
   * `maxPixels` then gets as many as the device and the context allow.
   */
  shaped?: {
    /** Pixels of a token. */
    tokenPixels: number;
    /** Pixels of a view that the model's own rule allows. */
    maxPixels: number;
    /** Pixels of a view for a request without `maxPixels`; the engine sets it if it is less than `maxPixels`. */
    usualPixels?: number;
    /** A picture that costs about as much as any under a budget. */
    largest(budget: PictureBudget): { width: number; height: number };
  };
}
