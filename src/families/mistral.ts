/** Mistral alone: Llama with a sliding window in every layer. */
import { type Family, hasModelType } from "./family.ts";
import { type DecoderKind, LLAMA_DECODER } from "./parts/decoder-config.ts";
import { describeText } from "./parts/text-model.ts";

export const MISTRAL_DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  mlpWidth: 14336,
  maxPositions: 131072,
  keyHeads: () => 8,
  windows: "all",
};

export const mistral: Family = {
  name: "mistral",
  matches: (files) => hasModelType(files, "mistral"),
  describe: ({ config }) => describeText("mistral", config, MISTRAL_DECODER),
};
