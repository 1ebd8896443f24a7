/** Views of a picture as callers see them: their places and their tokens. Types only. */

export interface Matrix {
  /** Row-major, `rows * cols` values. */
  data: Float32Array;
  rows: number;
  cols: number;
}

/**
 * One compression stage of one view. A token is a cell; indices are over the tokens that entered, class token excluded.
 */
export interface CompressionStage {
  block: number;
  importance: Float32Array;
  primary: Uint32Array;
  redundant: Uint32Array;
  /** Cluster of each redundant token; clusters are numbered by their smallest member. */
  labels: Uint32Array;
  /**
   * Rows that leave the stage: the class token, if any, then one for each seat of each token. Without rows in events,
   * which do not need the values.
   */
  tokens: Matrix;
  /** Per token, its original cells, numbered row by row in the view; the class token's is empty. */
  origins: Uint32Array[];
}

/** The place of a view (a tile, an overview, the whole picture) on its picture, and its grid; for overlays. */
export interface ViewPlace {
  /** Patches. */
  rows: number;
  cols: number;
  /** r: r x r neighbouring patches make one image token before compression. */
  cell: number;
  /** In place of squares, so many patches after each other, row by row, make one image token; `cell` is 1 then. */
  strip?: number;
  /** Side of a patch, in pixels of the view. */
  patch: number;
  /** Of the view, in pixels. */
  width: number;
  height: number;
  /**
   * From pixels of the view to pixels of the upright picture, (0, 0) in the top left corner of both. The form is [a, b,
   * c, d, e, f] as in SVG's and DOMMatrix's `matrix`; b and c are 0. Padding lies outside the picture.
   */
  toPicture: [number, number, number, number, number, number];
}

/** A view as numbers. */
export interface InspectedView {
  /** Patches. */
  rows: number;
  cols: number;
  /** r: r x r neighbouring patches make one image token before compression. */
  cell: number;
  /** See `ViewPlace`. */
  strip?: number;
  /**
   * Input of the connector, [rows, width], after a row for the class token where the model keeps it. Without
   * compression inside the encoder patches stand in raster order; with it, cells in their final order, each with its r
   * * r seats.
   */
  features: Matrix;
  /** The same of each earlier block whose output the decoder reads too; none in most models. */
  tapFeatures: Matrix[];
  stages: CompressionStage[];
  /** Per cell after the last stage, the original cell that it counts as: of merged ones the one of highest importance. */
  owners: Uint32Array;
  /** With `diverse`: the kept rows, ascending, and the same in order of choice. */
  kept?: Uint32Array;
  chosen?: Uint32Array;
}

/** A picture as numbers. */
export interface InspectedImage {
  /** Tiles and overview, in order. */
  views: InspectedView[];
  /** The rows that replace the placeholders, in order. */
  projected: Matrix;
  /** Rows that are added to these after each of the first decoder layers (DeepStack); none in most models. */
  taps: Matrix[];
  /** These two are of the only view, else of the first. */
  features: Matrix;
  stages: CompressionStage[];
}

/** A view, and the column of each of its tokens. */
export interface SeenView extends ViewPlace {
  /**
   * Per token of the view: its column in `AnswerAttention`, counted from the picture's first. Where a model shrinks its
   * features, the column that the token counts most for. 2^32 - 1 for a token that the decoder does not read, such as one
   * of padding, or one that the model's learned queries read instead.
   */
  columns: Uint32Array;
  stages: CompressionStage[];
  /** Per token, its cell, where cells were chosen after the connector (`diverse`). */
  kept?: Uint32Array;
}

/** One picture on its own. */
export interface ImageFeatures {
  /** Input of the projector, or for a classifier the final hidden states, [tokens, width]. */
  features: Matrix;
  /** Of the only view, else of the first. */
  stages: CompressionStage[];
  views: SeenView[];
  /** Softmax over the classes, where the checkpoint has a classifier; `label` from id2label. Most likely first. */
  classes?: { id: number; label: string; logit: number; probability: number }[];
  /** Of length 1, where the model has embeddings of pictures: their products tell how alike pictures and texts are. */
  embedding?: Float32Array;
  milliseconds: number;
}

/** The model as numbers. */
export interface Inspection {
  prompt: {
    /** As rendered, placeholders not expanded; empty for `inputIds`. */
    text: string;
    /** [T], with the placeholder's id in each row of a picture. */
    ids: Uint32Array;
    /** [axes, T]; 0 where only the GPU knows them (`positions: "original"`). */
    positions: Matrix;
    /** Of each picture its runs of rows in `ids`. */
    pictures: { start: number; count: number }[][];
  };
  images: InspectedImage[];
  /** Layers that inhibit. Rows are all rows of text, columns all image tokens. */
  layers: {
    layer: number;
    ratio: number;
    /** 0 where the row does not see the token. */
    focus: Matrix;
    /** 1 for each inhibited pair, which the row sees; as `focus`. */
    inhibited: Uint8Array;
    /** One column, or with scope "image" one an image; NaN where the row sees no such token. */
    threshold: Matrix;
  }[];
  /** [T, V], every position of the spliced prompt. */
  logits: Matrix;
  greedy: number[];
  /** [greedySteps, V]; row i chose greedy[i]. */
  greedyLogits: Matrix;
}
