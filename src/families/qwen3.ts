/** Qwen3 alone: Qwen2 with norms of queries and keys in place of biases. */
import { type Family, hasModelType } from "./family.ts";
import { type DecoderKind, QWEN2_DECODER, withAttention } from "./parts/decoder-config.ts";
import { describeText } from "./parts/text-model.ts";

export const QWEN3_DECODER: DecoderKind = {
  ...QWEN2_DECODER,
  qkvBias: false,
  keyHeads: () => 32,
  refused: ["attention_bias"],
  defaults: { head_dim: 128 },
  refine: (decoder) => withAttention(decoder, () => ({ qkNorm: "heads" })),
};

export const qwen3: Family = {
  name: "qwen3",
  matches: (files) => hasModelType(files, "qwen3"),
  describe: ({ config }) => describeText("qwen3", config, QWEN3_DECODER),
};
