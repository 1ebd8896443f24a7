/** LLaVA-1.5 and its relatives in Hugging Face's layout: CLIP or SigLIP, two linear layers, Llama or Qwen2. */
import { type Family, hasModelType, imageProcessor } from "./family.ts";
import { describeLlava, VICUNA } from "./parts/llava-parts.ts";
import { readSquarePictures } from "./parts/square-pictures.ts";

export const llava: Family = {
  name: "llava",
  matches: (files) => hasModelType(files, "llava"),
  describe: (files) =>
    describeLlava(files.config, {
      family: "llava",
      fallbackPrompt: VICUNA,
      readPictures: (tower) => readSquarePictures(imageProcessor(files), tower.kind, tower),
    }),
};
