/** Views of a picture as callers are told of them: where they lie, and what became of their tokens. Types only. */

export interface Matrix {
  /** Row-major, `rows * cols` values. */
  data: Float32Array;
  rows: number;
  cols: number;
}

/** One compression stage of one image. Indices are over the tokens that entered the stage, class token excluded. */
export interface CompressionStage {
  block: number;
  importance: Float32Array;
  primary: Uint32Array;
  redundant: Uint32Array;
  /** Cluster of each redundant token; clusters are numbered by their smallest member. */
  labels: Uint32Array;
  /** Tokens that leave the stage, class token first, if any; without rows in events, which do not need the values. */
  tokens: Matrix;
  /** Per token, its original cells, numbered row by row in the view; the class token's is empty. */
  origins: Uint32Array[];
}

/** Where a view (a tile, an overview, the whole picture) lies on its picture, and how it is cut; for overlays. */
export interface ViewPlace {
  /** Patches. */
  rows: number;
  cols: number;
  /** r: r x r neighbouring patches make one image token before compression. */
  cell: number;
  /** Side of a patch, in pixels of the view. */
  patch: number;
  /** Of the view, in pixels. */
  width: number;
  height: number;
  /**
   * From pixels of the view to pixels of the picture, upright as it was given, (0, 0) in the top left corner of both:
   * [a, b, c, d, e, f] as in SVG's and DOMMatrix's `matrix`; b and c are 0. Padding lies outside the picture.
   */
  toPicture: [number, number, number, number, number, number];
}

/** A view, and what became of its tokens. */
export interface SeenView extends ViewPlace {
  /** Per token of the view that the decoder reads: its column in `AnswerAttention`, counted from the picture's first. */
  columns: Uint32Array;
  stages: CompressionStage[];
  /** Per token, its cell, where cells were chosen after the connector (`diverse`). */
  kept?: Uint32Array;
}
