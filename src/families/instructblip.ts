/**
 * InstructBLIP with Vicuna: an EVA encoder, a Q-Former whose queries read the picture and the question, and Llama. Source:
 * transformers, `modeling_instructblip.py`, `processing_instructblip.py`.
 */
import { type Family, hasModelType, imageProcessor } from "./family.ts";
import { LLAMA_DECODER } from "./parts/decoder-config.ts";
import { describeQueried } from "./parts/queried-model.ts";
import { BLIP_PICTURES, readSquarePictures } from "./parts/square-pictures.ts";

export const instructblip: Family = {
  name: "instructblip",
  matches: (files) => hasModelType(files, "instructblip"),
  describe: (files) =>
    describeQueried(files.config, {
      family: "instructblip",
      decoders: { llama: LLAMA_DECODER },
      decoderPrefix: "language_model.model.",
      readsText: true,
      readPictures: (tower) => readSquarePictures(imageProcessor(files), BLIP_PICTURES, tower),
    }),
};
