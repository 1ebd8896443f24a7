/** How a caller asks for compression of image tokens and for inhibition of attention to them. Types only. */

/** Methods that keep some of the tokens after the connector. Each has a file in src/model/compression/rows. */
export type RowMethodName =
  /** The most diverse tokens (DivPrune, arXiv 2503.02175). */
  | "diverse"
  /** Evenly spaced tokens, whatever they show: the baseline of every other choice. */
  | "uniform";

/** How an image's tokens are reduced in or after the encoder (paper eqs. 5-8 and the baselines of its tables). */
export type Compression =
  | { method: "none" }
  | {
      method: "vmtc";
      /** Tokens of a picture to keep, distributed over its views; overrides `ratio`. */
      tokens?: number;
      /** Share of each view's tokens to keep, default 0.5. */
      ratio?: number;
      /** Number of stages, default 3. */
      stages?: number;
      /** Encoder blocks that hold a stage; wins over `stages`. */
      blocks?: number[];
      /** Clusters per stage: "auto" 0.156 of the tokens, 0 drops, 1 fuses. */
      clusters?: number | "auto";
      merge?: "normalized" | "raw";
      /** K-Means rounds at most, default 10. */
      iterations?: number;
      positions?: "contiguous" | "original";
    }
  /** The most important tokens after the last block; `tokens` or `ratio` must be given. */
  | { method: "prune-last"; tokens?: number; ratio?: number }
  | { method: "pool"; factor: number }
  /** Without `tokens` and `ratio`, the outlier rule decides. */
  | { method: "prumerge"; tokens?: number; ratio?: number }
  /** Some of the tokens after the connector; default ratio 0.5. */
  | { method: RowMethodName; tokens?: number; ratio?: number };

/** How the decoder inhibits attention to image tokens (paper eqs. 9-11). */
export type Inhibition = {
  /** Share of image tokens inhibited in the last layer; 0 is off. */
  maxRatio: number;
  score?: "focus" | "text-to-image" | "sum" | "discounted-sum";
  /** Base of "discounted-sum", default 0.9. */
  discount?: number;
  scores?: "weights" | "logits";
  schedule?: "linear" | "constant";
  /** One quantile over all image tokens that a row of text sees, or one for each image with all its views. */
  scope?: "row" | "image";
};
