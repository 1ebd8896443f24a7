/**
 * Qwen3.5 alone: layers of gated delta rules, every fourth one of attention with a gate on its output. Source: transformers,
 * `modeling_qwen3_5.py`, `configuration_qwen3_5.py`.
 */
import type { DecoderSpec, DeltaSpec, LayerSpec } from "../spec/model-spec.ts";
import { type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { type DecoderKind, LLAMA_DECODER, readDecoder } from "./parts/decoder-config.ts";
import { type DecoderNames, decoderTensors, isComputed } from "./parts/decoder-tensors.ts";

const MAX_STATE_HEADS = 256;
/** The kernels keep keys, queries and a part of the state in workgroup memory. */
const MAX_STATE_WIDTH = 256;
const MAX_TAPS = 16;

/** Qwen3_5TextConfig. */
export const QWEN3_5_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  mlpWidth: 12288,
  vocabularySize: 248320,
  maxPositions: 32768,
  bosId: undefined,
  eosIds: [],
  keyHeads: () => 4,
  refused: ["attention_bias"],
  partialRotary: 0.25,
  defaults: { num_attention_heads: 16, head_dim: 256 },
  files: { normOffset: 1 },
  respell: respellSections,
  refine,
};

/** A checkpoint of the decoder alone, or the decoder's part of one with pictures. */
const DECODER_NAMES: DecoderNames = {
  prefixes: ["model.language_model.", "model.", "language_model.model.", "language_model.", ""],
  head: ["lm_head.weight", "language_model.lm_head.weight"],
};

/** Temporary. */
function respellSections(fields: ConfigFields): ConfigFields {
  const rope = fields.object("rope_parameters");
  if (!rope) return fields;
  const { mrope_section: _, mrope_interleaved: __, ...rest } = Object.fromEntries(rope.entries());
  return fields.with({ ...Object.fromEntries(fields.entries()), rope_parameters: rest });
}

function refine(decoder: DecoderSpec, fields: ConfigFields): DecoderSpec {
  if (!fields.boolean("attn_output_gate", true)) throw fields.unsupported("attn_output_gate", "true");
  const types = layerTypes(fields, decoder.layers.length);
  const delta = readDelta(fields);
  const layers = decoder.layers.map(
    ({ attention, mlp }, layer): LayerSpec =>
      types[layer] === "linear_attention"
        ? { kind: "delta", delta, mlp }
        : { kind: "attention", attention: { ...attention!, qkNorm: "heads", outputGate: true }, mlp },
  );
  return { ...decoder, layers };
}

function layerTypes(fields: ConfigFields, layers: number): string[] {
  const types = fields.strings("layer_types");
  const known = types.every((type) => type === "full_attention" || type === "linear_attention");
  if (types.length > 0 && (types.length !== layers || !known))
    throw fields.unsupported("layer_types", `"linear_attention" or "full_attention" for each of the ${layers} layers`);
  if (types.length > 0) return types;
  const interval = fields.integer("full_attention_interval", 4, 1, 512);
  return Array.from({ length: layers }, (_, i) => ((i + 1) % interval === 0 ? "full_attention" : "linear_attention"));
}

function readDelta(fields: ConfigFields): DeltaSpec {
  const keyHeads = fields.integer("linear_num_key_heads", 16, 1, MAX_STATE_HEADS);
  const valueHeads = fields.integer("linear_num_value_heads", 32, 1, MAX_STATE_HEADS);
  if (valueHeads % keyHeads !== 0)
    throw fields.unsupported("linear_num_value_heads", `a multiple of linear_num_key_heads ${keyHeads}`);
  return {
    keyHeads,
    valueHeads,
    keyWidth: fields.integer("linear_key_head_dim", 128, 1, MAX_STATE_WIDTH),
    valueWidth: fields.integer("linear_value_head_dim", 128, 1, MAX_STATE_WIDTH),
    taps: fields.integer("linear_conv_kernel_dim", 4, 1, MAX_TAPS),
  };
}

/** Heads that guess further tokens ahead; the engine does not run them. */
export function isGuess(tensor: string): boolean {
  return /^mtp\./.test(tensor);
}

export const qwen35Text: Family = {
  name: "qwen3_5_text",
  matches: (files) => hasModelType(files, "qwen3_5_text"),
  describe: ({ config }) => {
    const { decoder, tied, files } = readDecoder(config, QWEN3_5_DECODER);
    return {
      family: "qwen3_5_text",
      connector: [],
      decoder,
      tensors: decoderTensors(decoder, DECODER_NAMES, tied ? "tied" : "own", files),
      ignores: (name) => isComputed(name) || isGuess(name) || /^model\.visual\./.test(name),
    };
  },
};
