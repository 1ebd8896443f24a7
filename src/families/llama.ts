/** Llama alone. */
import { type Family, hasModelType } from "./family.ts";
import { LLAMA_DECODER } from "./parts/decoder-config.ts";
import { describeText } from "./parts/text-model.ts";

export const llama: Family = {
  name: "llama",
  matches: (files) => hasModelType(files, "llama"),
  describe: ({ config }) => describeText("llama", config, LLAMA_DECODER),
};
