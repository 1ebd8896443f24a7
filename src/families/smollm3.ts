/** SmolLM3: Llama without RoPE in some layers. */
import { type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { type DecoderKind, LLAMA_DECODER, withAttention } from "./parts/decoder-config.ts";
import { describeText } from "./parts/text-model.ts";

const SMOLLM3_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  vocabularySize: 128256,
  maxPositions: 32768,
  bosId: 128000,
  eosIds: [128001],
  keyHeads: () => 4,
  refused: ["attention_bias", "mlp_bias", "use_sliding_window"],
  defaults: {
    hidden_size: 2048,
    num_hidden_layers: 36,
    num_attention_heads: 16,
    rope_theta: 2e6,
    tie_word_embeddings: true,
  },
  refine(decoder, fields) {
    const turns = turningLayers(fields, decoder.layers.length);
    return withAttention(decoder, (_, layer) => (turns[layer] ? {} : { rope: null }));
  },
};

/** True if each layer has RoPE: 1 in `no_rope_layers`, whatever its name says. */
function turningLayers(fields: ConfigFields, layers: number): boolean[] {
  const interval = fields.integer("no_rope_layer_interval", 4, 1, 512);
  const list =
    fields.value("no_rope_layers") ?? Array.from({ length: layers }, (_, i) => Number((i + 1) % interval > 0));
  if (!Array.isArray(list) || list.length !== layers || !list.every((flag) => flag === 0 || flag === 1))
    throw fields.unsupported("no_rope_layers", `a 0 or 1 for each of the ${layers} layers`);
  return list.map((flag) => flag === 1);
}

export const smollm3: Family = {
  name: "smollm3",
  matches: (files) => hasModelType(files, "smollm3"),
  describe: ({ config }) => describeText("smollm3", config, SMOLLM3_DECODER),
};
