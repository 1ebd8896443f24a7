/** Embeddings of pictures and texts as callers get them. Types only. */
import type { Matrix } from "./view.ts";

/** Of `encodeText`. */
export interface EncodeTextOptions {
  signal?: AbortSignal;
}

export interface TextEmbeddings {
  /** A row of length 1 for each text, [texts, width]. */
  embeddings: Matrix;
  /** Tokens of each text that were read, without padding. A text of `ModelInfo.embedding.maxTokens` may have been cut. */
  tokens: number[];
  milliseconds: number;
}

/** How well each text describes a picture. */
export interface ImageScores {
  logits: Float32Array; // [texts]
  /** As the model was trained: softmax over the texts, or the sigmoid of each, which do not sum to 1. */
  probabilities: Float32Array; // [texts]
  milliseconds: number;
}

/** How a model embeds pictures and texts, and compares them. */
export interface EmbeddingInfo {
  /** Values of an embedding. */
  width: number;
  pictures: boolean;
  texts: boolean;
  /** Tokens of a text at most; longer ones are cut. 0 for a model without a text encoder. */
  maxTokens: number;
  /**
   * For a picture and a text the logit is scale * (product of their embeddings) + bias. Probabilities are the softmax
   * over a picture's texts or the sigmoid of each logit. Only with pictures and texts.
   */
  comparison?: { scale: number; bias: number; probabilities: "softmax" | "sigmoid" };
}
