/**
 * The fields of a decoder's config: LlamaConfig and Qwen2Config of Hugging Face transformers, with their defaults.
 * Settings that change the mathematics and are not implemented are refused by name.
 */
import type { AttentionSpec, DecoderSpec } from "../../spec/model-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { HIDDEN_ACTIVATIONS } from "./activations.ts";
import type { DecoderFiles } from "./decoder-tensors.ts";
import { MAX_POSITIONS, readRope } from "./rope.ts";
import { readWindows, type WindowRule } from "./windows.ts";

/** The defaults of a config class, and the traits of its architecture. */
export interface DecoderKind {
  mlpWidth: number;
  vocabularySize: number;
  maxPositions: number;
  bosId: number | undefined;
  eosIds: readonly number[];
  qkvBias: boolean;
  /** Default number of key heads for this number of query heads. */
  keyHeads(heads: number): number;
  /** Fields that would change the mathematics if they were true. */
  refused: readonly string[];
  /** The layers with a sliding window; none by default. */
  windows?: WindowRule;
  /** Other defaults of fields than Llama's, by name. */
  defaults?: Readonly<Record<string, unknown>>;
  /** Converts other spellings of fields. */
  respell?(fields: ConfigFields): ConfigFields;
  /** Default of `partial_rotary_factor`; without it all channels of a head turn. */
  partialRotary?: number;
  /** The field of the activation; default "hidden_act". */
  activationField?: string;
  /** The field of the norms' epsilon; default "rms_norm_eps". */
  epsField?: string;
  /** The differences of the files from Llama's. */
  files?: DecoderFiles;
  /** Adds the decoder's differences from Llama. */
  refine?(decoder: DecoderSpec, fields: ConfigFields): DecoderSpec;
}

export const LLAMA_DECODER: DecoderKind = {
  mlpWidth: 11008,
  vocabularySize: 32000,
  maxPositions: 2048,
  bosId: 1,
  eosIds: [2],
  qkvBias: false,
  keyHeads: (heads) => heads,
  // Both would also add a bias to o_proj or the whole MLP, which no known Llama checkpoint has.
  refused: ["attention_bias", "mlp_bias"],
};

export const QWEN2_DECODER: DecoderKind = {
  mlpWidth: 22016,
  vocabularySize: 151936,
  maxPositions: 32768,
  bosId: undefined,
  eosIds: [],
  qkvBias: true,
  keyHeads: (heads) => (heads % 32 === 0 ? 32 : heads),
  refused: ["use_mrope"],
  windows: "upper layers",
};

// Bounds far above published decoders, under which all products of sizes are exact integers.
const MAX_WIDTH = 1 << 15;
const MAX_MLP_WIDTH = 1 << 17;
const MAX_LAYERS = 512;
const MAX_HEADS = 512;
const MAX_HEAD_WIDTH = 256; // the attention kernels keep a head in registers and workgroup memory
export const MAX_VOCABULARY = 1 << 20;
/** Ids are stored as i32. */
export const MAX_TOKEN_ID = 2 ** 31 - 1;

/** A decoder with other attention in its layers. */
export function withAttention(
  decoder: DecoderSpec,
  change: (attention: AttentionSpec, layer: number) => Partial<AttentionSpec>,
): DecoderSpec {
  return {
    ...decoder,
    layers: decoder.layers.map((layer, i) =>
      layer.attention ? { ...layer, attention: { ...layer.attention, ...change(layer.attention, i) } } : layer,
    ),
  };
}

/** A decoder, config.json's flag for a tied head, and the differences of its files from Llama's. */
export interface ReadDecoder {
  decoder: DecoderSpec;
  tied: boolean;
  files: DecoderFiles;
}

/**
 * Reads a decoder's fields.
 *
 * @throws FoveaError `unsupported-model`
 */
export function readDecoder(given: ConfigFields, kind: DecoderKind): ReadDecoder {
  const fields = (kind.respell?.(given) ?? given).withDefaults(kind.defaults ?? {});
  // "swish" is another name of SiLU.
  const activations = { ...HIDDEN_ACTIVATIONS, swish: "silu" } as const;
  const activationField = kind.activationField ?? "hidden_act";
  const activation = fields.choice(activationField, String(kind.defaults?.[activationField] ?? "silu"), activations);
  const layers = fields.integer("num_hidden_layers", 32, 1, MAX_LAYERS);
  const trainedPositions = fields.integer("max_position_embeddings", kind.maxPositions, 1, MAX_POSITIONS);
  for (const name of kind.refused) if (fields.boolean(name, false)) throw fields.unsupported(name, "false");
  const [bosId] = readTokenIds(fields, "bos_token_id", kind.bosId === undefined ? [] : [kind.bosId]);
  const width = fields.integer("hidden_size", 4096, 1, MAX_WIDTH);
  const mlp = {
    width: fields.integer("intermediate_size", kind.mlpWidth, 1, MAX_MLP_WIDTH),
    ...(activation === "silu" ? {} : { activation }),
  };
  const attention = readAttention(fields, width, kind);
  const { rope, maxPositions } = readRope(fields, attention.headWidth, trainedPositions, kind.partialRotary);
  const windows = readWindows(fields, kind.windows, layers, maxPositions);
  const decoder: DecoderSpec = {
    width,
    layers: windows.map((window) => ({
      kind: "attention" as const,
      attention: window === undefined ? attention : { ...attention, window },
      mlp,
    })),
    eps: fields.number(kind.epsField ?? "rms_norm_eps", 1e-6, 1e-20, 0.1),
    rope,
    vocabularySize: fields.integer("vocab_size", kind.vocabularySize, 1, MAX_VOCABULARY),
    maxPositions,
    ...(bosId === undefined ? {} : { bosId }),
    eosIds: readTokenIds(fields, "eos_token_id", kind.eosIds),
  };
  return {
    decoder: kind.refine?.(decoder, fields) ?? decoder,
    tied: fields.boolean("tie_word_embeddings", false),
    files: kind.files ?? {},
  };
}

function readAttention(fields: ConfigFields, width: number, kind: DecoderKind): AttentionSpec {
  const heads = fields.integer("num_attention_heads", 32, 1, MAX_HEADS);
  if (!fields.has("head_dim") && width % heads !== 0)
    throw fields.unsupported("num_attention_heads", `a divisor of hidden_size ${width}, or a head_dim beside it`);
  const headWidth = fields.integer("head_dim", width / heads, 1, Number.MAX_SAFE_INTEGER);
  // RoPE turns pairs of channels.
  if (headWidth % 2 !== 0 || headWidth > MAX_HEAD_WIDTH)
    throw fields.unsupported(
      fields.has("head_dim") ? "head_dim" : "num_attention_heads",
      `heads of an even width up to ${MAX_HEAD_WIDTH}, these are ${headWidth} wide`,
    );
  const keyHeads = fields.integer(
    "num_key_value_heads",
    fields.isNull("num_key_value_heads") ? heads : kind.keyHeads(heads),
    1,
    heads,
  );
  if (heads % keyHeads !== 0)
    throw fields.unsupported("num_key_value_heads", `a divisor of num_attention_heads ${heads}`);
  return { heads, keyHeads, headWidth, qkvBias: kind.qkvBias };
}

/** The ids of a field: one, a list, or none, which files write as null or -1. */
function readTokenIds(fields: ConfigFields, name: string, fallback: readonly number[]): number[] {
  if (fields.isNull(name)) return [];
  const value = fields.value(name) ?? fallback;
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  if (!ids.every((id) => Number.isInteger(id) && (id as number) >= -1 && (id as number) <= MAX_TOKEN_ID))
    throw fields.unsupported(name, `an id from 0 to ${MAX_TOKEN_ID}, a list of them, or -1 for none`);
  return [...new Set(ids as number[])].filter((id) => id >= 0);
}
