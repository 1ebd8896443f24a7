/**
 * Golden models with pictures as GGUF files: a language file and a vision file, as llama.cpp's converter writes them, by the
 * recipes of test/weights/formats/gguf/halves.
 */
import type { ModelFiles } from "../../src/api.ts";
import type { Tensor } from "../reference/model/weights.ts";
import { readSafetensors } from "../reference/model/weights.ts";
import recipes from "../weights/formats/gguf/halves/recipes.json" with { type: "json" };
import { type GgufTensorInput, type GgufValue, writeGguf } from "./gguf-file.ts";
import { sharedBytes, sharedBytesIfAny, sharedJson, sharedJsonIfAny } from "./shared.ts";

/** Tensor of the checkpoint, with N for its layer -> tensors of the file, and what is done to the values. */
type TensorRecipe = Record<string, [name: string, operation: string][]>;

interface FileRecipe {
  metadata: Record<string, GgufValue>;
  tensors: TensorRecipe;
}

const RECIPES = recipes as unknown as Record<string, { language: FileRecipe; vision: FileRecipe }>;

export const GGUF_FOLDERS = Object.keys(RECIPES);

/** Files of the checkpoint that stand beside a vision file, which lacks their facts. */
export const GGUF_BESIDE: Record<string, readonly string[]> = {
  "qwen2_vl-published-bf16": ["preprocessor_config.json"],
  "qwen2_5_vl-windows-bf16": ["preprocessor_config.json"],
  "qwen3_vl-bf16": ["preprocessor_config.json"],
  "qwen3_5-bf16": ["preprocessor_config.json"],
  "lfm2_vl-single-bf16": ["preprocessor_config.json", "processor_config.json"],
};

type Config = Record<string, unknown>;
const textOf = (config: Config) => config.text_config as Config;

const UNSAID: Record<string, (config: Config) => Config> = {
  // llama.cpp scales by the width of a head, in all models but the largest.
  "gemma3-published-bf16": (config) => ({
    ...config,
    text_config: { ...textOf(config), query_pre_attn_scalar: textOf(config).head_dim },
  }),
  // Beyond the context only.
  "internvl-qwen2-bf16": (config) => ({ ...config, text_config: { ...textOf(config), rope_scaling: null } }),
};

/** A checkpoint's config without what a GGUF cannot say. */
export function withoutUnsaid(folder: string): (config: Config) => Config {
  return UNSAID[folder] ?? ((config) => config);
}

export const LANGUAGE_FILE = "tiny-F16.gguf";
const VISION_FILE = "mmproj-tiny-F16.gguf";

export interface GgufModelOptions {
  /** Files of the checkpoint that lie beside it, too. */
  beside?: readonly string[];
  /** Metadata in place of the recipe's; undefined leaves a key out. */
  language?: Record<string, GgufValue | undefined>;
  vision?: Record<string, GgufValue | undefined>;
}

/** The files of a golden model. */
export async function ggufModel(folder: string, options: GgufModelOptions = {}): Promise<ModelFiles> {
  const root = `golden/families/${folder}/model`;
  const { language, vision } = RECIPES[folder]!;
  const tensors = await checkpointTensors(root);
  const own = tensorsOf(language.tensors, tensors);
  const rows = own["token_embd.weight"]!.shape[0]!;
  const isWordPiece = language.metadata["tokenizer.ggml.pre"] === "default";
  const text = { ...language.metadata, ...(await tokenizerOf(root, rows, isWordPiece)), ...options.language };
  const seen = { ...vision.metadata, ...options.vision };
  const beside = await Promise.all(
    (options.beside ?? []).map(async (name) => [name, await sharedBytesIfAny(`${root}/${name}`)] as const),
  );
  return {
    [LANGUAGE_FILE]: writeGguf(withoutUndefined(text), own),
    [VISION_FILE]: writeGguf(withoutUndefined(seen), tensorsOf(vision.tensors, tensors)),
    ...Object.fromEntries(beside.filter(([, bytes]) => bytes !== undefined)),
  } as ModelFiles;
}

function withoutUndefined(metadata: Record<string, GgufValue | undefined>): Record<string, GgufValue> {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined)) as never;
}

async function checkpointTensors(root: string): Promise<Map<string, Tensor>> {
  const index = await sharedJsonIfAny<{ weight_map: Record<string, string> }>(`${root}/model.safetensors.index.json`);
  const names = index ? [...new Set(Object.values(index.weight_map))] : ["model.safetensors"];
  const files = await Promise.all(names.map((name) => sharedBytes(`${root}/${name}`)));
  return new Map(files.flatMap((file) => [...readSafetensors(file)]));
}

function tensorsOf(recipe: TensorRecipe, tensors: ReadonlyMap<string, Tensor>): Record<string, GgufTensorInput> {
  const made: Record<string, GgufTensorInput> = {};
  for (const [name, tensor] of tensors) {
    const [, layer] = /\.(?:layers|layer|blocks)\.(\d+)\./.exec(name) ?? [];
    const found = recipe[name] ?? recipe[layer === undefined ? name : name.replace(`.${layer}.`, ".N.")];
    for (const [own, operation] of found ?? []) {
      const { shape, data } = changed(tensor, operation);
      const bytes = new Uint8Array(Float32Array.from(data).buffer);
      // As the converter: vectors in F32. Matrices are stored wider than it stores them, so that nothing is rounded.
      made[own.replace(/(?<=^(v\.)?blk\.)N/, layer ?? "N")] = { shape, bytes };
    }
  }
  return made;
}

/** Applies the converter's operations to a tensor. */
function changed(tensor: Tensor, operations: string): Tensor {
  return operations.split(" then ").reduce(changedOnce, tensor);
}

function changedOnce({ shape, data }: Tensor, operation: string): Tensor {
  const [verb, by, ...more] = operation.split(" ");
  const rows = shape[0]!;
  const columns = data.length / rows;
  switch (verb) {
    case "":
      return { shape, data };
    case "add":
      return { shape, data: data.map((value) => value + Number(by)) };
    case "squeeze":
      return { shape: shape.filter((size) => size !== 1), data };
    case "third":
      return {
        shape: [rows / 3, ...shape.slice(1)],
        data: data.slice((Number(by) * data.length) / 3, ((Number(by) + 1) * data.length) / 3),
      };
    case "permute": {
      const width = rows / Number(by);
      // Row i + D / 2 of a head follows row i.
      const from = (row: number) => row - (row % width) + ((row % width) >> 1) + (row % 2) * (width / 2);
      return {
        shape,
        data: Float64Array.from(data, (_, i) => data[from(Math.floor(i / columns)) * columns + (i % columns)]!),
      };
    }
    case "decay":
      return { shape, data: data.map((value) => -Math.exp(value)) };
    case "tile": {
      const [keys, [share = 1, width = 1, first = 0]] = [Number(by), more.map(Number)];
      // Row j of the file is this row of the checkpoint.
      const from = (row: number) => (row < first ? row : first + untiled(row - first, keys, share, width));
      return {
        shape,
        data: Float64Array.from(data, (_, i) => data[from(Math.floor(i / columns)) * columns + (i % columns)]!),
      };
    }
    case "columns": {
      const [keys, [share = 1, width = 1]] = [Number(by), more.map(Number)];
      const at = (i: number) => i - (i % columns) + untiled(i % columns, keys, share, width);
      return { shape, data: Float64Array.from(data, (_, i) => data[at(i)]!) };
    }
    case "frame": {
      const [out, channels, frames, height, width] = shape as [number, number, number, number, number];
      const pixels = height * width;
      const made = new Float64Array(out * channels * pixels);
      for (let i = 0; i < out * channels; i++)
        made.set(data.subarray((i * frames + Number(by)) * pixels).subarray(0, pixels), i * pixels);
      return { shape: [out, channels, height, width], data: made };
    }
    case "channels": {
      const side = Number(operation.split(" ")[2]);
      const pixels = side ** 2;
      const at = (i: number) => {
        const [row, within] = [Math.floor(i / columns), i % columns];
        return row * columns + (within % pixels) * 3 + Math.floor(within / pixels);
      };
      return { shape: [rows, 3, side, side], data: Float64Array.from(data, (_, i) => data[at(i)]!) };
    }
    default:
      throw new Error(`no operation ${operation}`);
  }
}

/** The place in groups of `share` heads, a group a key head, of a place in tiles of `keys` heads. */
function untiled(place: number, keys: number, share: number, width: number): number {
  const head = Math.floor(place / width);
  return ((head % keys) * share + Math.floor(head / keys)) * width + (place % width);
}

interface TokenizerJson {
  model: { vocab: Record<string, number>; merges: (string | [string, string])[] };
  added_tokens: { id: number; content: string; special: boolean }[];
  post_processor: { single?: object[] } | null;
}

/** Type of a token: normal, unknown, control, user-defined, unused, byte. */
const [NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE] = [1, 2, 3, 4, 5, 6];

async function tokenizerOf(root: string, rows: number, isSentencePiece: boolean): Promise<Record<string, GgufValue>> {
  const { model, added_tokens, post_processor } = await sharedJson<TokenizerJson>(`${root}/tokenizer.json`);
  const config = await sharedJson<Record<string, unknown>>(`${root}/config.json`);
  const text = (config.text_config ?? config) as Record<string, number>;
  const eos = (config.eos_token_id ?? text.eos_token_id) as number | number[] | undefined;
  const tokens = Array.from({ length: rows }, (_, id) => `[PAD${id}]`);
  const types = new Int32Array(rows).fill(UNUSED!);
  for (const [token, id] of Object.entries(model.vocab)) {
    tokens[id] = token;
    types[id] = /^<0x[\dA-F]{2}>$/.test(token) ? BYTE! : NORMAL!;
  }
  for (const { id, content, special } of added_tokens) {
    tokens[id] = content;
    types[id] = content === "<unk>" && isSentencePiece ? UNKNOWN! : special ? CONTROL! : USER!;
  }
  const merges = model.merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" ")));
  const template = await templateOf(root);
  const begin = /"ids":\[(\d+)\]/.exec(JSON.stringify(post_processor))?.[1];
  const bos = begin ?? text.bos_token_id;
  return {
    "tokenizer.ggml.model": isSentencePiece ? "llama" : "gpt2",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.token_type": types,
    ...(isSentencePiece
      ? {
          "tokenizer.ggml.scores": scoresOf(tokens, merges),
          "tokenizer.ggml.add_space_prefix": false,
        }
      : { "tokenizer.ggml.merges": merges }),
    ...(bos !== undefined && { "tokenizer.ggml.bos_token_id": Number(bos) }),
    "tokenizer.ggml.add_bos_token": begin !== undefined,
    ...(eos !== undefined && { "tokenizer.ggml.eos_token_id": Number([eos].flat()[0]) }),
    ...(template !== undefined && { "tokenizer.chat_template": template }),
  };
}

/** Pieces in the order in which merges make them first; those that none makes come last. */
function scoresOf(tokens: readonly string[], merges: readonly string[]): Float32Array {
  const rank = new Map<string, number>();
  for (const [i, merge] of merges.entries()) {
    const made = merge.replace(" ", "");
    if (!rank.has(made)) rank.set(made, i);
  }
  return Float32Array.from(tokens, (token) => -(rank.get(token) ?? merges.length));
}

async function templateOf(root: string): Promise<string | undefined> {
  const plain = await sharedBytesIfAny(`${root}/chat_template.jinja`);
  if (plain) return new TextDecoder().decode(plain);
  for (const name of ["chat_template.json", "tokenizer_config.json"]) {
    const file = await sharedJsonIfAny<{ chat_template?: string }>(`${root}/${name}`);
    if (file?.chat_template !== undefined) return file.chat_template;
  }
  return undefined;
}
