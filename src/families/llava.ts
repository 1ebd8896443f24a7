/** LLaVA-1.5 and its relatives in Hugging Face's layout: CLIP or SigLIP, two linear layers, Llama or Qwen2. */
import { type Family, hasModelType, imageProcessor } from "./family.ts";
import { describeLlava } from "./parts/llava-parts.ts";

export const llava: Family = {
  name: "llava",
  matches: (files) => hasModelType(files, "llava"),
  describe: (files) => describeLlava(files.config, imageProcessor(files)),
};
