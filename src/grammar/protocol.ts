/** The messages between an engine and its grammar worker: types only. */
import type { FormatSource } from "./format-source.ts";

/** Tokens of a tokenizer. */
export interface GrammarVocabulary {
  /** Bytes of all tokens, one after another; none for tokens that are no text. */
  bytes: Uint8Array;
  /** Of each id; as many as the model has logits. */
  lengths: Uint32Array;
  /** Ids that end an answer. */
  endIds: number[];
}

/** A step within one answer; the reply is a `GrammarStep`. */
export type GrammarCall =
  /** The first call. */
  | { type: "vocabulary"; vocabulary: GrammarVocabulary }
  /** Begins an answer, and forgets the one before. */
  | { type: "begin"; source: FormatSource }
  | { type: "accept"; id: number }
  /** Works without end, and says how long; in a worker of its own. */
  | { type: "yardstick" };

export type ToGrammar = { call: number } & GrammarCall;

export interface GrammarStep {
  /** A bit an id: those that may come next, [ceil(V / 32)]. None may once the answer has ended. */
  mask: Uint32Array;
}

export type FromGrammar =
  | { call: number; type: "step"; step: GrammarStep | undefined }
  /** So many more milliseconds of the processor were spent. */
  | { call: number; type: "worked"; milliseconds: number }
  /** `isFormat`: the format is invalid. `isBroken`: the worker can no longer be used. */
  | { call: number; type: "failure"; message: string; isFormat: boolean; isBroken: boolean };
