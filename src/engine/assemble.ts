/**
 * Allocates a model: weights, picture encoder, decoder, cache. A load allocates on a device, a plan on a counting GPU.
 */
import type { LoadOptions } from "../api.ts";
import { type SequenceBuffers, sequenceBuffers } from "../generate/sequence-buffers.ts";
import type { GpuMemory } from "../gpu/planning.ts";
import { tensorByteLength } from "../gpu/tensor.ts";
import { rowsOfView } from "../model/connector/row-count.ts";
import { Decoder } from "../model/decoder/decoder.ts";
import { type KeyValueType, KvCache, layerCacheBytes } from "../model/decoder/kv-cache.ts";
import { mixedWidth, mixingWidth, rowElements } from "../model/decoder/workspace.ts";
import { PictureEncoder } from "../model/encoder/picture-encoder.ts";
import type { TextEmbedder } from "../model/encoder/text-embedder.ts";
import { TEXT_ENCODER } from "../model/late-parts.ts";
import { Weights } from "../model/load/fill.ts";
import type { MatchedTensors } from "../model/load/match.ts";
import type { Storage } from "../model/load/precision.ts";
import { checkInteger } from "../shared/assert.ts";
import type { DecoderSpec, ModelSpec } from "../spec/model-spec.ts";
import { type PictureRun, tokensOf } from "../spec/picture-spec.ts";

/** Default positions of the KV cache: enough for several pictures and turns, without filling a GPU. */
const DEFAULT_CONTEXT = 4096;
/** The most prompt rows of a chunk: enough to fill a GPU, few enough to cancel between chunks. */
const MAX_CHUNK_ROWS = 512;
/** The fewest prompt rows of a chunk: a picture and a question pass a small model in one chunk. */
const MIN_CHUNK_ROWS = 128;

/** The fewest positions besides the costliest picture: for a question, an answer and the template. */
const CONTEXT_BESIDE_PICTURE = 512;

/** GPU memory at which phones end a tab. */
const TAB_BYTES = 1.5e9;

/**
 * Default bytes for rows of earlier conversations: the size of one more cache, as far as a phone's limit allows. A
 * model beyond this limit runs on larger machines, and gets an eighth of its size.
 *
 * @param totalBytes of the loaded model
 * @param cacheBytes of keys and values
 */
export function keptBytesOf(totalBytes: number, cacheBytes: number): number {
  return Math.min(cacheBytes, Math.floor(Math.max(TAB_BYTES - totalBytes, totalBytes / 8)));
}

/** Positions of the cache. Throws RangeError for more than the model supports. */
export function contextLengthOf(spec: ModelSpec, maxContext: number | undefined): number {
  const { decoder } = spec;
  if (!decoder) return 0;
  if (maxContext !== undefined) return checkInteger("maxContext", maxContext, 1, decoder.maxPositions);
  // The context bounds pictures of variable size instead: see fit-pictures.ts.
  const forPicture = spec.pictures?.shaped ? 0 : pictureTokens(spec);
  return Math.min(decoder.maxPositions, Math.max(DEFAULT_CONTEXT, forPicture + CONTEXT_BESIDE_PICTURE));
}

/** Rows of each run of the costliest picture. */
function pictureRuns({ pictures, encoder, connector }: ModelSpec): readonly PictureRun[] {
  if (!pictures || !encoder) return [];
  const { width, height } = pictures.largest;
  const plan = pictures.plan(width, height, {});
  if (pictures.order) {
    const { lines, weights, taps } = pictures.order.arrange(plan);
    return pictures.runs(plan, lines ?? [weights.length / taps]);
  }
  return pictures.runs(
    plan,
    plan.views.map(({ grid }) => rowsOfView({ encoder, connector }, grid)),
  );
}

/** Tokens of the costliest picture; each text between rows counts as one. */
function pictureTokens(spec: ModelSpec): number {
  return pictureRuns(spec).reduce((sum, run) => sum + ("text" in run ? 1 : tokensOf(run)), 0);
}

/** Prompt rows of a chunk. */
export function chunkRowsOf(spec: ModelSpec & { decoder: DecoderSpec }, contextLength: number): number {
  const { sees } = spec.decoder;
  // Rows that see each other run in one chunk.
  const together = sees === "prompt" ? contextLength : sees === "pictures" ? longestRun(spec) : 0;
  return Math.min(contextLength, Math.max(together, causalChunkRows(spec.decoder)));
}

/** Rows of the longest run of the costliest picture. */
export function longestRun(spec: ModelSpec): number {
  return pictureRuns(spec).reduce((most, run) => ("text" in run ? most : Math.max(most, run.rows)), 0);
}

/** Fewer rows in small models, so that their buffers stay small relative to the weights. */
function causalChunkRows(decoder: DecoderSpec): number {
  const { width, layers } = decoder;
  const elements = layers.reduce((sum, layer) => {
    const mixing = mixingWidth(layer, width) + mixedWidth(layer, width);
    return sum + width * (mixing + (layer.mlp.gated === false ? 2 : 3) * layer.mlp.width);
  }, 0);
  const rows = Math.floor((0.1 * elements) / rowElements(decoder));
  return Math.min(MAX_CHUNK_ROWS, Math.max(MIN_CHUNK_ROWS, rows));
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
export function makeWeights(gpu: GpuMemory, matched: MatchedTensors, storage: Storage): Weights {
  return new Weights(gpu.arena, matched, storage);
}

/** Undefined for a text model. */
export function makePictures(gpu: GpuMemory, weights: Weights, spec: ModelSpec): PictureEncoder | undefined {
  const { encoder } = spec;
  return encoder && new PictureEncoder(gpu, gpu.arena, weights, { ...spec, encoder });
}

/** Undefined for a model that embeds no texts. */
export function makeTexts(gpu: GpuMemory, weights: Weights, { textEncoder }: ModelSpec): TextEmbedder | undefined {
  return textEncoder && new TEXT_ENCODER.now.TextEmbedder(gpu, gpu.arena, weights, textEncoder);
}

/** f32 keys and values of at most this many bytes stay f32, so that results are exact: f16 would save little. */
const SMALL_CACHE_BYTES = 256 << 20;

/**
 * The storage of keys and values. "auto" takes f16 where f32 would need much memory, except with weights in f32: their
 * caller wants exact results.
 */
export function keyValueType(
  wanted: LoadOptions["keyValues"],
  storage: Storage,
  decoder: DecoderSpec | undefined,
  contextLength: number,
): KeyValueType {
  if (wanted === "f32" || wanted === "f16") return wanted;
  if (storage === "f32" || !decoder) return "f32";
  const bytes = layerCacheBytes(decoder, contextLength).reduce((sum, layer) => sum + layer, 0);
  return bytes > SMALL_CACHE_BYTES ? "f16" : "f32";
}

/** @param keyValues their storage */
export function makeText(
  gpu: GpuMemory,
  weights: Weights,
  model: ModelSpec & { decoder: DecoderSpec },
  { contextLength, keyValues }: { contextLength: number; keyValues: KeyValueType },
): TextParts {
  const spec = model.decoder;
  // Twice as many positions as rows: with original positions a compressed picture still spans its whole grid.
  const positions = (spec.firstPosition ?? 0) + Math.min(spec.maxPositions, 2 * contextLength);
  const sizes = { chunkRows: chunkRowsOf(model, contextLength), positions };
  // The cache first: a context that is too large fails here, before its RoPE table is computed.
  // Beside a prompt there is room for as many rows as in it, and always for one picture.
  const besideRows = Math.max(contextLength, longestRun(model));
  const cache = new KvCache(gpu.arena, spec, contextLength, { besideRows, type: keyValues });
  const cacheBytes = cache.layers.reduce((sum, layer) => sum + tensorByteLength(layer), 0);
  const decoder = new Decoder(gpu, gpu.arena, weights, spec, sizes);
  return { decoder, cache, buffers: sequenceBuffers(gpu, decoder, []), cacheBytes };
}
