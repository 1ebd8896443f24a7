/** The GPU buffers of one sequence, besides the decoder and its cache. */
import type { GpuMemory } from "../gpu/planning.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Decoder } from "../model/decoder/decoder.ts";
import { type ChoiceBuffers, choiceBuffers } from "./token-choice.ts";

/** Buffers of one sequence; the arena that they were taken from owns them. */
export interface SequenceBuffers {
  ids: Tensor; // [R] u32
  positions: Tensor; // [axes, R] u32
  /** Of each of the decoder's windows. */
  visible: readonly Tensor[]; // [R, 2] u32
  /** Rows beside the prompt that rows see, of a decoder that reads pictures there. */
  besideVisible: Tensor | undefined; // [R, 2] u32
  lastHidden: Tensor; // [1, W]
  /** Logits of the row that the next token is chosen from. */
  logits: Tensor; // [1, V]
  choice: ChoiceBuffers;
}

/** @param allowedIds ids that may be generated */
export function sequenceBuffers(gpu: GpuMemory, decoder: Decoder, allowedIds: Iterable<number>): SequenceBuffers {
  const { arena } = gpu;
  const { chunkRows, axes, spec } = decoder;
  const { width, vocabularySize } = spec;
  return {
    ids: arena.tensor("prompt ids", [chunkRows], "u32"),
    positions: arena.tensor("positions", [axes, chunkRows], "u32"),
    visible: decoder.windows.map(() => arena.tensor("visible", [chunkRows, 2], "u32")),
    besideVisible: spec.beside && arena.tensor("visible beside the prompt", [chunkRows, 2], "u32"),
    lastHidden: arena.tensor("last hidden", [1, width]),
    logits: arena.tensor("logits", [1, vocabularySize]),
    choice: choiceBuffers(gpu, vocabularySize, allowedIds),
  };
}
