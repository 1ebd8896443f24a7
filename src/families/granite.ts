/** Granite 3: Llama with factors on embeddings, attention, residuals and logits. */
import { type Family, hasModelType } from "./family.ts";
import { type DecoderKind, LLAMA_DECODER, withAttention } from "./parts/decoder-config.ts";
import { describeText } from "./parts/text-model.ts";

const GRANITE_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  refine(decoder, fields) {
    const factor = (name: string) => fields.number(name, 1, 1e-6, 1e6);
    const residualFactor = factor("residual_multiplier");
    const scaled = {
      ...decoder,
      layers: decoder.layers.map((layer) => ({ ...layer, residualFactor })),
      embedFactor: factor("embedding_multiplier"),
      logitFactor: 1 / factor("logits_scaling"),
    };
    return withAttention(scaled, () => ({ scale: factor("attention_multiplier") }));
  },
};

export const granite: Family = {
  name: "granite",
  matches: (files) => hasModelType(files, "granite"),
  describe: ({ config }) => describeText("granite", config, GRANITE_DECODER),
};
