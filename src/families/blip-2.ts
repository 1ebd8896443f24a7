/**
 * BLIP-2 with OPT: an EVA encoder, a Q-Former whose queries are a picture's rows, and OPT. The picture comes before the
 * begin token. Source: transformers, `modeling_blip_2.py`, `processing_blip_2.py`.
 */
import { type Family, hasModelType, imageProcessor } from "./family.ts";
import { OPT_DECODER } from "./parts/opt-decoder.ts";
import { describeQueried } from "./parts/queried-model.ts";
import { BLIP_PICTURES, readSquarePictures } from "./parts/square-pictures.ts";

export const blip2: Family = {
  name: "blip-2",
  matches: (files) => hasModelType(files, "blip-2"),
  describe: (files) =>
    describeQueried(files.config, {
      family: "blip-2",
      decoders: { opt: OPT_DECODER },
      decoderPrefix: "language_model.model.decoder.",
      readsText: false,
      readPictures: (tower) => readSquarePictures(imageProcessor(files), BLIP_PICTURES, tower),
    }),
};
