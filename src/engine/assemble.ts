/** Allocates a model: weights, picture encoder, decoder, cache. On a device for a load, on a counting GPU for a plan. */
import { type SequenceBuffers, sequenceBuffers } from "../generate/sequence.ts";
import type { GpuMemory } from "../gpu/planning.ts";
import { tensorByteLength } from "../gpu/tensor.ts";
import type { WeightType } from "../kernels/weights.ts";
import { Decoder } from "../model/decoder/decoder.ts";
import { KvCache } from "../model/decoder/kv-cache.ts";
import { rowElements } from "../model/decoder/workspace.ts";
import { PictureEncoder } from "../model/encoder/picture-encoder.ts";
import { Weights } from "../model/load/fill.ts";
import type { MatchedTensors } from "../model/load/match.ts";
import { checkInteger } from "../shared/assert.ts";
import type { DecoderSpec, ModelSpec } from "../spec/model-spec.ts";

/** Positions of the KV cache unless the caller says otherwise: several pictures and turns, without filling a GPU. */
const DEFAULT_CONTEXT = 4096;
/** Prompt rows that go through the decoder at once, at most: enough to fill a GPU, few enough to cancel between. */
const MAX_CHUNK_ROWS = 512;
/** And at least: a picture and a question go through a small model in one piece. */
const MIN_CHUNK_ROWS = 128;

/** Positions of the cache. Throws RangeError for more than the model knows. */
export function contextLengthOf(decoder: DecoderSpec | undefined, maxContext: number | undefined): number {
  if (!decoder) return 0;
  if (maxContext === undefined) return Math.min(decoder.maxPositions, DEFAULT_CONTEXT);
  return checkInteger("maxContext", maxContext, 1, decoder.maxPositions);
}

/** Prompt rows that go through the decoder at once: in small models so few that their states stay small beside the weights. */
export function chunkRowsOf(decoder: DecoderSpec, contextLength: number): number {
  const { width, layers } = decoder;
  const elements = layers.reduce((sum, { attention, mlp }) => {
    const mixing = attention ? 2 * (attention.heads + attention.keyHeads) * attention.headWidth : 4 * width;
    return sum + width * (mixing + (mlp.gated === false ? 2 : 3) * mlp.width);
  }, 0);
  const rows = Math.floor((0.1 * elements) / rowElements(decoder));
  return Math.min(contextLength, MAX_CHUNK_ROWS, Math.max(MIN_CHUNK_ROWS, rows));
}

/** The decoder of a model with the memory of its one sequence. */
export interface TextParts {
  decoder: Decoder;
  cache: KvCache;
  buffers: SequenceBuffers;
  /** Bytes of keys and values. */
  cacheBytes: number;
}

/** Throws FoveaError `out-of-memory` if one buffer is larger than the device allows. */
export function makeWeights(gpu: GpuMemory, matched: MatchedTensors, type: WeightType): Weights {
  return new Weights(gpu.arena, matched, type);
}

/** Undefined for a text model. */
export function makePictures(gpu: GpuMemory, weights: Weights, spec: ModelSpec): PictureEncoder | undefined {
  const { encoder } = spec;
  return encoder && new PictureEncoder(gpu, gpu.arena, weights, { ...spec, encoder });
}

/** @param ids that may be generated */
export function makeText(
  gpu: GpuMemory,
  weights: Weights,
  spec: DecoderSpec,
  contextLength: number,
  ids: Iterable<number>,
): TextParts {
  // Twice as many positions as rows: with original positions a picture spans its whole grid, also after compression.
  const positions = Math.min(spec.maxPositions, 2 * contextLength);
  const sizes = { chunkRows: chunkRowsOf(spec, contextLength), positions };
  // The cache first: a context that is too large fails there, before the RoPE table of as many positions is worked out.
  const cache = new KvCache(gpu.arena, spec, contextLength);
  const cacheBytes = cache.layers.reduce((sum, layer) => sum + tensorByteLength(layer), 0);
  const decoder = new Decoder(gpu, gpu.arena, weights, spec, sizes);
  return { decoder, cache, buffers: sequenceBuffers(gpu, decoder, ids), cacheBytes };
}
