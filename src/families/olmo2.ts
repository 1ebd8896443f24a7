/** OLMo 2: Llama with norms after the halves of a layer, and one norm over all queries and one over all keys. */
import { type Family, hasModelType } from "./family.ts";
import { type DecoderKind, LLAMA_DECODER, withAttention } from "./parts/decoder-config.ts";
import { describeText } from "./parts/text-model.ts";

const OLMO2_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  vocabularySize: 50304,
  bosId: undefined,
  eosIds: [50279],
  refused: ["attention_bias"],
  defaults: { rms_norm_eps: 1e-5 },
  refine(decoder) {
    const layers = decoder.layers.map((layer) => ({ ...layer, norms: "after" as const }));
    return withAttention({ ...decoder, layers }, () => ({ qkNorm: "all" }));
  },
};

export const olmo2: Family = {
  name: "olmo2",
  matches: (files) => hasModelType(files, "olmo2"),
  describe: ({ config }) => describeText("olmo2", config, OLMO2_DECODER),
};
