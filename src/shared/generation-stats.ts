/** The cost of an answer, and the image tokens it attended to, as callers read them. */
import type { AnsweringServer } from "./answering-server.ts";
import type { Matrix } from "./view.ts";

/**
 * Attention of an answer's tokens to image tokens. Row i belongs to the position that chose token i. Columns are the
 * image tokens that the decoder reads, of all images in order. An `image` event has their number and, in its last
 * stage, their patches.
 */
export interface AnswerAttention {
  /** Length of the answer's text, in UTF-16 units, once each token was read: token i wrote [ends[i - 1], ends[i]). */
  ends: Uint32Array;
  layers: {
    layer: number;
    /** Share of the image tokens that the layer inhibits; 0 is a layer that only looks. */
    ratio: number;
    /** Text-to-image focus (paper eq. 10), or the score that was asked for; [tokens, image tokens]. */
    focus: Matrix;
    /** 1 where attention was inhibited; as `focus`, row-major. */
    inhibited: Uint8Array;
  }[];
}

/** The cost of one picture. */
export interface PictureCost {
  /** Tiles and overview. */
  views: number;
  /** Its tokens in the prompt before and after compression. */
  tokensBefore: number;
  tokensAfter: number;
  /**
   * Pixels that the model could read of it: the request's `maxPixels`, or what the device and the context have room for.
   * Only of models whose tokens grow with the pixels.
   */
  maxPixels?: number;
  /** It was encoded for an earlier question, and this one did not wait for its encoder. */
  reused: boolean;
}

export interface GenerationStats {
  /** In the order of the conversation. */
  pictures: PictureCost[];
  imageTokensBefore: number;
  imageTokensAfter: number;
  promptTokens: number;
  /** Those of them that an earlier question left in the cache, and that did not run again. */
  reusedTokens: number;
  /**
   * After what a prompt may reuse an earlier one: after any shared token. Models with a recurrent state: only after the
   * end of a turn or an answer.
   */
  reuse: "any token" | "saved points";
  newTokens: number;
  /** Time that the answer waited for shaders: only the first one, after a load with `compile: "background"`. */
  compileMs: number;
  visionMs: number;
  prefillMs: number;
  decodeMs: number;
  totalMs: number;
  timeToFirstTokenMs: number;
  tokensPerSecond: number;
  gpuBytes: number;
  /**
   * The server that answered, if any. Numbers of pictures and of the GPU are 0 then. Without `countsTokens` the server
   * sent no token counts, and `newTokens` counts the parts in which the text came.
   */
  server?: AnsweringServer & { countsTokens: boolean };
}
