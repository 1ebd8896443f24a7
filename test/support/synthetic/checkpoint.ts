/**
 * Published checkpoints with random values: configuration, tensor names, shapes, dtype and shards are those on the hub.
 * Values are computed on request, so neither disk nor memory ever holds a checkpoint. Knows no server.
 */
import type { ReadableDtype } from "../../../src/weights/dtype.ts";
import smolvlm from "../../families/idefics3/SmolVLM-256M-Instruct/config.json" with { type: "json" };
import smolvlmPreprocessor from "../../families/idefics3/SmolVLM-256M-Instruct/preprocessor_config.json" with {
  type: "json",
};
import smolvlmProcessor from "../../families/idefics3/SmolVLM-256M-Instruct/processor_config.json" with {
  type: "json",
};
import smolvlmTensors from "../../families/idefics3/SmolVLM-256M-Instruct/tensors.json" with { type: "json" };
import llava7b from "../../families/llava/llava-1.5-7b-hf/config.json" with { type: "json" };
import clipPreprocessor from "../../families/llava/llava-1.5-7b-hf/preprocessor_config.json" with { type: "json" };
import llava7bTensors from "../../families/llava/llava-1.5-7b-hf/tensors.json" with { type: "json" };
import interleave from "../../families/llava/llava-interleave-qwen-0.5b-hf/config.json" with { type: "json" };
import interleavePreprocessor from "../../families/llava/llava-interleave-qwen-0.5b-hf/preprocessor_config.json" with {
  type: "json",
};
import interleaveTensors from "../../families/llava/llava-interleave-qwen-0.5b-hf/tensors.json" with { type: "json" };
import tinyLlava from "../../families/llava/tiny-llava-v1-hf/config.json" with { type: "json" };
import tinyLlavaTensors from "../../families/llava/tiny-llava-v1-hf/tensors.json" with { type: "json" };
import { type NamedShape, parametersOf, type TensorList, tensorsOf } from "../tensor-list.ts";
import { indexOf, layOut, type PlacedTensor, type Shard } from "./shards.ts";
import { type TokenizerShape, tokenizerJson } from "./tokenizer.ts";
import { type Distribution, RandomValues } from "./values.ts";

interface Published {
  config: { vision_config: object; text_config: object };
  dtype: ReadableDtype;
  tensors: TensorList;
  /** Blocks of the encoder after the last that runs. */
  idleBlocks: number;
  preprocessor: object;
  processor?: object;
  tokenizer: TokenizerShape;
  tokenizerConfig: object;
  generation: object;
}

const LLAMA = {
  preprocessor: clipPreprocessor,
  tokenizer: { size: 32000, special: { "<unk>": 0, "<s>": 1, "</s>": 2, "<image>": 32000, "<pad>": 32001 } },
  tokenizerConfig: { bos_token: "<s>", eos_token: "</s>", pad_token: "<pad>", add_bos_token: true },
  generation: { bos_token_id: 1, eos_token_id: 2, pad_token_id: 32001 },
};

const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + ' '}}{% for part in message['content'] %}" +
  "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %}{{'<|im_end|>'}}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

const CAPITALISED =
  "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}" +
  "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}" +
  "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}{% else %}{{ '<image>' }}" +
  "{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";

/** Tags of tiles, up to 6 x 6, with the ids from `first` on. */
function tileTags(first: number): Record<string, number> {
  const tag = (i: number) => `<row_${1 + Math.floor(i / 6)}_col_${1 + (i % 6)}>`;
  return Object.fromEntries(Array.from({ length: 36 }, (_, i) => [tag(i), first + i]));
}

const PUBLISHED = {
  /** llava-hf/llava-1.5-7b-hf: three shards of f16. */
  "llava-1.5-7b": {
    config: llava7b,
    dtype: "F16",
    tensors: llava7bTensors,
    idleBlocks: 1,
    ...LLAMA,
  },
  /** bczhou/tiny-llava-v1-hf: two shards of f32. */
  "tiny-llava": {
    config: tinyLlava,
    dtype: "F32",
    tensors: tinyLlavaTensors,
    idleBlocks: 1,
    ...LLAMA,
  },
  /** llava-hf/llava-interleave-qwen-0.5b-hf: one file of bf16. */
  "llava-interleave-qwen-0.5b": {
    config: interleave,
    dtype: "BF16",
    tensors: interleaveTensors,
    idleBlocks: 0,
    preprocessor: interleavePreprocessor,
    tokenizer: {
      size: 151643,
      special: { "<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645, "<image>": 151646 },
    },
    tokenizerConfig: { bos_token: null, eos_token: "<|im_end|>", chat_template: CHATML },
    generation: { bos_token_id: 151643, eos_token_id: [151645, 151643] },
  },
  /** HuggingFaceTB/SmolVLM-256M-Instruct: one file of bf16. */
  "smolvlm-256m": {
    config: smolvlm,
    dtype: "BF16",
    tensors: smolvlmTensors,
    idleBlocks: 0,
    preprocessor: smolvlmPreprocessor,
    processor: smolvlmProcessor,
    tokenizer: {
      size: 49152,
      special: {
        ...{ "<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2, "<global-img>": 49152, ...tileTags(49153) },
        ...{ "<fake_token_around_image>": 49189, "<image>": 49190, "<end_of_utterance>": 49279 },
      },
    },
    tokenizerConfig: { bos_token: "<|im_start|>", eos_token: "<end_of_utterance>", chat_template: CAPITALISED },
    generation: { bos_token_id: 1, eos_token_id: 49279, pad_token_id: 2 },
  },
} satisfies Record<string, Published>;

export type CheckpointName = keyof typeof PUBLISHED;
export const CHECKPOINT_NAMES = Object.keys(PUBLISHED) as CheckpointName[];

export interface SyntheticOptions {
  /** Encoder blocks that run; as published if left out. */
  blocks?: number | undefined;
  /** Decoder layers; as published if left out. */
  layers?: number | undefined;
  /**
   * Rows of the embedding table; as published if left out. With fewer, the chat template is missing, and so is every special
   * token above them but the image's.
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

/** A checkpoint in Hugging Face's layout. Computes only the tokenizer's text and the headers. */
export function syntheticCheckpoint(name: CheckpointName, options: SyntheticOptions = {}): SyntheticCheckpoint {
  const published: Published = PUBLISHED[name];
  const whole = tensorsOf(published.tensors);
  const blocks = options.blocks === undefined ? countIn(whole, BLOCK) : options.blocks + published.idleBlocks;
  const layers = options.layers ?? countIn(whole, LAYER);
  const vocabulary = options.vocabulary ?? whole.find(([name]) => TABLE.test(name))![1][0]!;
  const tensors = whole
    .filter(([name]) => numberIn(name, BLOCK) < blocks && numberIn(name, LAYER) < layers)
    .map(([name, shape]): NamedShape => [name, TABLE.test(name) ? [vocabulary, ...shape.slice(1)] : shape]);
  const shards = layOut(tensors, options.dtype ?? published.dtype);
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
    "processor_config.json": published.processor,
    "tokenizer.json": tokenizerJson(tokenizer),
    "tokenizer_config.json": isCut ? {} : published.tokenizerConfig,
    "model.safetensors.index.json": indexOf(shards),
  };
  const files = new Map<string, SyntheticFile>();
  for (const [file, value] of Object.entries(texts))
    if (value !== undefined) files.set(file, textFile(typeof value === "string" ? value : JSON.stringify(value)));
  const values = new RandomValues(options.seed ?? 1);
  for (const shard of shards) files.set(shard.name, shardFile(shard, values));
  return { files, config, shards, parameters: parametersOf(shards.flatMap((shard) => shard.tensors)) };
}

// Names of tensors: of an encoder's block, of a decoder's layer, and those whose rows are the vocabulary.
const BLOCK = /encoder\.layers\.(\d+)\./;
const LAYER = /(?:language_model\.model|text_model)\.layers\.(\d+)\./;
const TABLE = /(embed_tokens|lm_head)\.weight$/;

/** The number in a name by this pattern; -1 without one. */
function numberIn(name: string, pattern: RegExp): number {
  return Number(pattern.exec(name)?.[1] ?? -1);
}

function countIn(tensors: readonly NamedShape[], pattern: RegExp): number {
  return 1 + Math.max(...tensors.map(([name]) => numberIn(name, pattern)));
}

/**
 * Values that keep every state finite: products about as large as their input, norms near 1. Matrices go by fan-in, which
 * for a convolution is the product of all dimensions after the first.
 */
function distributionOf(name: string, shape: readonly number[]): Distribution {
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
