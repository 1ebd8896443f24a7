/**
 * From the header of a GGUF language file to a config.json and to tensors under the names of Hugging Face's layout. Pure.
 */
import { quoted } from "../../../shared/json.ts";
import { shapeText } from "../../../shared/shape.ts";
import { ARCHITECTURES, type Architecture, type CommonFields } from "./architectures.ts";
import type { GgufHeader, GgufTensor } from "./container.ts";
import { unsupportedGguf } from "./header-reader.ts";
import { Keys, MAX_SIZE } from "./keys.ts";
import type { RopeFactors } from "./rope.ts";
import { NO_TOKEN } from "./vocabulary.ts";

/** A tensor of the file, or whole rows of one, under its name in Hugging Face's layout. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: GgufTensor;
  /** Of the values. */
  readonly shape: readonly number[];
  /** Bytes [start, end) of the file. */
  readonly start: number;
  readonly end: number;
  /** The rows of each of so many heads are stored with the two halves of the head interleaved. */
  readonly interleavedHeads?: number;
  /** The stored values are so much larger than those of Hugging Face's layout. */
  readonly offset?: number;
  /** The stored values are -exp of those of Hugging Face's layout. */
  readonly isDecay?: true;
  /** The rest of each row, for a second frame, in a tensor of the same type and shape. `shape` is that of both. */
  readonly frame?: GgufTensor;
}

/** The architecture of a language file. Throws FoveaError `bad-weights` or `unsupported-model`. */
export function architectureOf({ file, metadata }: GgufHeader): { name: string; architecture: Architecture } {
  const name = metadata.string("general.architecture");
  if (name === undefined) throw metadata.bad("general.architecture is missing");
  if (!Object.hasOwn(ARCHITECTURES, name))
    throw unsupportedGguf(
      file,
      `architecture ${quoted(name)} is not supported; supported are ${Object.keys(ARCHITECTURES).join(", ")}`,
    );
  return { name, architecture: ARCHITECTURES[name]! };
}

/**
 * The fields of config.json.
 *
 * @param tensors of all shards
 * @throws FoveaError `bad-weights` with the key
 */
export function describeLanguage(
  header: GgufHeader,
  tensors: ReadonlyMap<string, GgufTensor>,
  factors: RopeFactors,
): Record<string, unknown> {
  const { metadata } = header;
  const { name, architecture } = architectureOf(header);
  const keys = new Keys(metadata, name);
  const common = commonFields(keys, tensors);
  const id = (key: string) => {
    const value = metadata.integer(`tokenizer.ggml.${key}`, 0, NO_TOKEN);
    return value === NO_TOKEN ? undefined : value;
  };
  return {
    ...common,
    ...architecture.config({ keys, common, tensors, factors }),
    bos_token_id: id("bos_token_id") ?? null,
    eos_token_id: id("eos_token_id") ?? null,
  };
}

function commonFields(keys: Keys, tensors: ReadonlyMap<string, GgufTensor>): CommonFields {
  const { metadata } = keys;
  const layers = keys.layers() - (keys.number("nextn_predict_layers") ?? 0);
  if (!Number.isInteger(layers) || layers < 1)
    throw metadata.bad(`${keys.name("nextn_predict_layers")} leaves ${layers} layers, an integer from 1 is needed`);
  const width = keys.neededSize("embedding_length");
  const heads = keys.ofLayers("attention.head_count", layers)?.find((count) => count > 0);
  if (heads === undefined) throw metadata.bad(`${keys.name("attention.head_count")} is missing`);
  if (!Number.isInteger(heads) || heads > MAX_SIZE)
    throw metadata.bad(`${keys.name("attention.head_count")} is ${heads}, an integer is needed`);
  const given = keys.size("attention.key_length");
  if (given === undefined && width % heads !== 0)
    throw metadata.bad(
      `${keys.name("embedding_length")} ${width}: ${width} columns do not divide into ${heads} heads (${keys.name("attention.head_count")})`,
    );
  const headWidth = given ?? width / heads;
  const valueWidth = keys.size("attention.value_length") ?? headWidth;
  if (valueWidth !== headWidth)
    throw metadata.bad(`${keys.name("attention.value_length")} is ${valueWidth}, ${headWidth} as of keys is needed`);
  return {
    vocab_size: vocabularySize(keys, tensors, width),
    hidden_size: width,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    head_dim: headWidth,
    max_position_embeddings: keys.neededSize("context_length"),
    tie_word_embeddings: !tensors.has("output.weight"),
  };
}

/** Rows of the embedding table. */
function vocabularySize({ metadata }: Keys, tensors: ReadonlyMap<string, GgufTensor>, width: number): number {
  const table = tensors.get("token_embd.weight");
  if (!table) throw metadata.bad('tensor "token_embd.weight" is missing');
  const [rows, columns] = table.shape;
  if (table.shape.length !== 2 || columns !== width)
    throw metadata.bad(`tensor "token_embd.weight" is ${shapeText(table.shape)}, rows of ${width} are needed`);
  return rows!;
}

const LAYER_NAMES: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_qkv: "self_attn.qkv_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};
const NAMES: Readonly<Record<string, string>> = { token_embd: "embed_tokens", output_norm: "norm" };

/** Tensors that are read here, or that the engine computes by itself. */
const READ_ELSEWHERE = /^(rope_(freqs|factors_short|factors_long)\.weight|blk\.\d+\.attn_rot_embd)$/;

/** Where the decoder's tensors stand in a family's layout. */
export interface LanguageNames {
  /** Before every name but the head's. */
  prefix: string;
  head: string;
}

export const ALONE: LanguageNames = { prefix: "model.", head: "lm_head" };

/**
 * The tensors under the names of Hugging Face's layout.
 *
 * @returns also the names of tensors that nothing reads
 */
export function nameLanguageTensors(
  header: GgufHeader,
  tensors: Iterable<GgufTensor>,
  config: Readonly<Record<string, unknown>>,
  { prefix, head }: LanguageNames = ALONE,
): { named: NamedTensor[]; unread: string[] } {
  const { architecture } = architectureOf(header);
  const layerNames = { ...LAYER_NAMES, ...architecture.layerNames };
  const names = { ...NAMES, ...architecture.names };
  const named: NamedTensor[] = [];
  const unread: string[] = [];
  for (const tensor of tensors) {
    const [, layer, base = "", end = ""] = /^(?:blk\.(\d+)\.)?(.+?)(\.weight|\.bias)?$/.exec(tensor.name) ?? [];
    const table = layer === undefined ? names : layerNames;
    const below = layer === undefined ? prefix : `${prefix}layers.${layer}.`;
    const [own, ending] = nameOf(table, base, end);
    // Layers that guess further tokens ahead follow the others.
    if (layer !== undefined && config.mtp_num_hidden_layers && Number(layer) >= (config.num_hidden_layers as number))
      continue;
    if (layer === undefined && base === "output") named.push(whole(`${head}${end}`, tensor));
    else if (layer !== undefined && base === "attn_qkv" && architecture.splitQkv)
      named.push(...splitQkv(tensor, below, end, config));
    else if (own !== undefined) named.push(inLayer(`${below}${own}${ending}`, tensor, base, architecture, config));
    else if (!READ_ELSEWHERE.test(tensor.name)) unread.push(tensor.name);
  }
  return { named, unread };
}

/** The name of a tensor in a table, and the ending behind it: a name on the left may have its ending. */
function nameOf(table: Readonly<Record<string, string>>, base: string, end: string): [string | undefined, string] {
  if (Object.hasOwn(table, `${base}${end}`) && end !== "") return [table[`${base}${end}`], ""];
  return [Object.hasOwn(table, base) ? table[base] : undefined, end];
}

/** The file's name for the decoder's tensor of a name in Hugging Face's layout; undefined for any other. */
export function languageNameInFile(
  header: GgufHeader,
  { prefix, head }: LanguageNames,
  name: string,
): string | undefined {
  const { architecture } = architectureOf(header);
  const [, stem = "", end = ""] = /^(.*?)(\.weight|\.bias)?$/.exec(name) ?? [];
  if (stem === head) return `output${end}`;
  if (!stem.startsWith(prefix)) return undefined;
  const [, layer, below = ""] = /^(?:layers\.(\d+)\.)?(.+)$/.exec(stem.slice(prefix.length)) ?? [];
  const table =
    layer === undefined ? { ...NAMES, ...architecture.names } : { ...LAYER_NAMES, ...architecture.layerNames };
  const base = Object.entries(table).find(([, own]) => own === below)?.[0];
  return base && `${layer === undefined ? "" : `blk.${layer}.`}${base}${end}`;
}

export function whole(name: string, tensor: GgufTensor): NamedTensor {
  const { shape, start, end } = tensor;
  return { name, tensor, shape, start, end };
}

function inLayer(
  name: string,
  tensor: GgufTensor,
  base: string,
  { permuted, normOffset }: Architecture,
  config: Readonly<Record<string, unknown>>,
): NamedTensor {
  const named = whole(name, tensor);
  if (permuted && base === "attn_q") return { ...named, interleavedHeads: config.num_attention_heads as number };
  if (permuted && base === "attn_k") return { ...named, interleavedHeads: config.num_key_value_heads as number };
  if (base === "ssm_a") return { ...named, isDecay: true };
  if (normOffset && base.endsWith("_norm") && base !== "ssm_norm") return { ...named, offset: normOffset };
  // A convolution has a channel dimension of 1 that the file squeezes out.
  if ((base === "shortconv.conv" || base === "ssm_conv1d") && tensor.shape.length === 2)
    return { ...named, shape: [tensor.shape[0]!, 1, tensor.shape[1]!] };
  return named;
}

/** Queries, keys and values out of one tensor: rows are whole blocks, so each is a range of its bytes. */
function splitQkv(
  tensor: GgufTensor,
  below: string,
  end: string,
  config: Readonly<Record<string, unknown>>,
): NamedTensor[] {
  const heads = config.num_attention_heads as number;
  const keyHeads = config.num_key_value_heads as number;
  const total = tensor.shape[0]!;
  const rows = [heads, keyHeads, keyHeads].map((count) => (total * count) / (heads + 2 * keyHeads));
  if (!rows.every(Number.isInteger)) return [whole(`${below}self_attn.qkv_proj${end}`, tensor)];
  let row = 0;
  return ["q_proj", "k_proj", "v_proj"].map((part, i) => {
    const named = rowsOf(tensor, row, rows[i]!, `${below}self_attn.${part}${end}`);
    row += rows[i]!;
    return named;
  });
}

/** Rows [first, first + count) of a tensor. */
export function rowsOf(tensor: GgufTensor, first: number, count: number, name: string): NamedTensor {
  const rowBytes = (tensor.end - tensor.start) / tensor.shape[0]!;
  const start = tensor.start + first * rowBytes;
  const shape = [count, ...tensor.shape.slice(1)];
  return { name, tensor, shape, start, end: start + count * rowBytes };
}
