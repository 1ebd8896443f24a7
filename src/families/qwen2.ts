/** Qwen2 alone. */
import { type Family, hasModelType } from "./family.ts";
import { QWEN2_DECODER } from "./parts/decoder-config.ts";
import { describeText } from "./parts/text-model.ts";

export const qwen2: Family = {
  name: "qwen2",
  matches: (files) => hasModelType(files, "qwen2"),
  describe: ({ config }) => describeText("qwen2", config, QWEN2_DECODER),
};
