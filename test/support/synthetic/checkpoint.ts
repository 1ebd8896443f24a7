/**
 * Published checkpoints with random values: configuration, tensor names, shapes, dtype and shards are those on the hub, the
 * values are computed when they are asked for, so that neither disk nor memory ever holds a checkpoint. Knows no server.
 */
import type { ReadableDtype } from "../../../src/weights/dtype.ts";
import * as configs from "../../model/configs.ts";
import { type ClipSizes, type DecoderSizes, llavaShapes } from "../../model/hub-tensors.ts";
import { indexOf, layOut, type PlacedTensor, type Shard } from "./shards.ts";
import { type TokenizerShape, tokenizerJson } from "./tokenizer.ts";
import { type Distribution, RandomValues } from "./values.ts";

interface Published {
  config: { vision_config: object; text_config: object };
  dtype: ReadableDtype;
  vision: ClipSizes;
  text: DecoderSizes;
  /** Blocks of the encoder behind the last that is run. */
  idleBlocks: number;
  preprocessor: object;
  tokenizer: TokenizerShape;
  tokenizerConfig: object;
  generation: object;
}

const CLIP_336: ClipSizes = { width: 1024, mlp: 4096, blocks: 24, patch: 14, positions: 577 };

const CLIP_PREPROCESSOR = {
  crop_size: { height: 336, width: 336 },
  do_center_crop: true,
  do_convert_rgb: true,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_processor_type: "CLIPImageProcessor",
  image_std: [0.26862954, 0.26130258, 0.27577711],
  processor_class: "LlavaProcessor",
  resample: 3,
  size: { shortest_edge: 336 },
};

const LLAMA = {
  preprocessor: CLIP_PREPROCESSOR,
  tokenizer: { size: 32000, special: { "<unk>": 0, "<s>": 1, "</s>": 2, "<image>": 32000, "<pad>": 32001 } },
  tokenizerConfig: { bos_token: "<s>", eos_token: "</s>", pad_token: "<pad>", add_bos_token: true },
  generation: { bos_token_id: 1, eos_token_id: 2, pad_token_id: 32001 },
};

const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + ' '}}{% for part in message['content'] %}" +
  "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %}{{'<|im_end|>'}}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

const PUBLISHED = {
  /** llava-hf/llava-1.5-7b-hf: three shards of halves. */
  "llava-1.5-7b": {
    config: configs.llava7b,
    dtype: "F16",
    vision: CLIP_336,
    text: { width: 4096, mlp: 11008, layers: 32, vocabulary: 32064, query: 4096, key: 4096 },
    idleBlocks: 1,
    ...LLAMA,
  },
  /** bczhou/tiny-llava-v1-hf: two shards of f32. */
  "tiny-llava": {
    config: configs.tinyLlavaV1,
    dtype: "F32",
    vision: CLIP_336,
    text: { width: 2048, mlp: 5632, layers: 22, vocabulary: 32064, query: 2048, key: 256 },
    idleBlocks: 1,
    ...LLAMA,
  },
  /** llava-hf/llava-interleave-qwen-0.5b-hf: one file of bf16. */
  "llava-interleave-qwen-0.5b": {
    config: configs.interleave,
    dtype: "BF16",
    vision: { width: 1152, mlp: 4304, blocks: 26, patch: 14, positions: 729, siglip: true },
    text: {
      ...{ width: 1024, mlp: 2816, layers: 24, vocabulary: 152000, query: 1024, key: 1024 },
      ...{ qkvBias: true, tied: true },
    },
    idleBlocks: 0,
    preprocessor: {
      ...{ do_convert_rgb: null, do_normalize: true, do_rescale: true, do_resize: true },
      ...{ image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], image_processor_type: "SiglipImageProcessor" },
      ...{ processor_class: "LlavaProcessor", resample: 3, size: { height: 384, width: 384 } },
    },
    tokenizer: {
      size: 151643,
      special: { "<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645, "<image>": 151646 },
    },
    tokenizerConfig: { bos_token: null, eos_token: "<|im_end|>", chat_template: CHATML },
    generation: { bos_token_id: 151643, eos_token_id: [151645, 151643] },
  },
} satisfies Record<string, Published>;

export type CheckpointName = keyof typeof PUBLISHED;
export const CHECKPOINT_NAMES = Object.keys(PUBLISHED) as CheckpointName[];

export interface SyntheticOptions {
  /** Encoder blocks that are run; as published if left out. */
  blocks?: number | undefined;
  /** Decoder layers; as published if left out. */
  layers?: number | undefined;
  /**
   * Rows of the embedding table; as published if left out. With fewer, special tokens behind them and the chat template that
   * writes them are missing, but for the image's.
   */
  vocabulary?: number | undefined;
  /** Default: as published. */
  dtype?: ReadableDtype | undefined;
  /** Default 1. */
  seed?: number | undefined;
}

/** A file of any length. */
export interface SyntheticFile {
  readonly byteLength: number;
  /** Bytes [start, end), at most 1 MiB at a time, each piece in memory of its own. */
  chunks(start: number, end: number): Generator<Uint8Array<ArrayBuffer>>;
}

export interface SyntheticCheckpoint {
  readonly files: ReadonlyMap<string, SyntheticFile>;
  readonly config: object;
  readonly shards: readonly Shard[];
  /** Number of values in all tensors. */
  readonly parameters: number;
}

const CHUNK_BYTES = 1 << 20;

/** A checkpoint in Hugging Face's layout. Nothing is computed yet but the tokenizer's text and the headers. */
export function syntheticCheckpoint(name: CheckpointName, options: SyntheticOptions = {}): SyntheticCheckpoint {
  const published: Published = PUBLISHED[name];
  const { idleBlocks } = published;
  const blocks = options.blocks === undefined ? published.vision.blocks : options.blocks + idleBlocks;
  const layers = options.layers ?? published.text.layers;
  const vocabulary = options.vocabulary ?? published.text.vocabulary;
  const shapes = llavaShapes({ ...published.vision, blocks }, { ...published.text, layers, vocabulary });
  const shards = layOut(shapes, options.dtype ?? published.dtype);
  const config = {
    ...published.config,
    vision_config: { ...published.config.vision_config, num_hidden_layers: blocks },
    text_config: { ...published.config.text_config, num_hidden_layers: layers, vocab_size: vocabulary },
  };
  const { size, special } = published.tokenizer;
  const known = Object.entries(special).filter(([token, id]) => id < vocabulary || token === "<image>");
  const isCut = known.length < Object.keys(special).length;
  const tokenizer = { size: Math.min(size, vocabulary), special: Object.fromEntries(known) };
  const texts: Record<string, object | string | undefined> = {
    "config.json": config,
    "generation_config.json": published.generation,
    "preprocessor_config.json": published.preprocessor,
    "tokenizer.json": tokenizerJson(tokenizer),
    "tokenizer_config.json": isCut ? {} : published.tokenizerConfig,
    "model.safetensors.index.json": indexOf(shards),
  };
  const files = new Map<string, SyntheticFile>();
  for (const [file, value] of Object.entries(texts))
    if (value !== undefined) files.set(file, textFile(typeof value === "string" ? value : JSON.stringify(value)));
  const values = new RandomValues(options.seed ?? 1);
  for (const shard of shards) files.set(shard.name, shardFile(shard, values));
  let parameters = 0;
  for (const shape of shapes.values()) parameters += shape.reduce((product, dimension) => product * dimension, 1);
  return { files, config, shards, parameters };
}

/**
 * Of a size that keeps every state finite: products of about the size of their input, norms near 1. Matrices are by fan-in,
 * which for a convolution is everything behind the first dimension.
 */
export function distributionOf(name: string, shape: readonly number[]): Distribution {
  if (/embed_tokens|position_embedding|class_embedding|\.bias$/.test(name)) return { mean: 0, deviation: 0.02 };
  if (shape.length === 1) return { mean: 1, deviation: 0.05 };
  return { mean: 0, deviation: 1 / Math.sqrt(shape.slice(1).reduce((product, dimension) => product * dimension, 1)) };
}

function textFile(text: string): SyntheticFile {
  const bytes = new TextEncoder().encode(text);
  return {
    byteLength: bytes.byteLength,
    *chunks(start, end) {
      if (end > start) yield bytes.slice(start, end);
    },
  };
}

function shardFile({ byteLength, header, tensors }: Shard, values: RandomValues): SyntheticFile {
  return {
    byteLength,
    *chunks(start, end) {
      let index = tensors.findIndex((tensor) => tensor.end > start);
      for (let at = start; at < end; ) {
        const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end - at));
        chunk.set(header.subarray(at, at + chunk.byteLength));
        const chunkEnd = at + chunk.byteLength;
        for (; index >= 0 && index < tensors.length; index++) {
          const tensor = tensors[index]!;
          if (tensor.start >= chunkEnd) break;
          fillPart(chunk, at, tensor, values);
          if (tensor.end > chunkEnd) break;
        }
        yield chunk;
        at = chunkEnd;
      }
    },
  };
}

/** Fills the part of a chunk, which begins at byte `at` of the file, that a tensor covers. */
function fillPart(chunk: Uint8Array, at: number, tensor: PlacedTensor, values: RandomValues): void {
  const start = Math.max(at, tensor.start);
  const target = chunk.subarray(start - at, Math.max(start, tensor.end) - at);
  const { name, dtype, shape } = tensor;
  values.fill(target, { name, dtype, ...distributionOf(name, shape) }, start - tensor.start);
}
