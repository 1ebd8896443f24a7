/** LLaVA-NeXT (LLaVA-1.6) in Hugging Face's layout: tiles at the best of some resolutions, padding cut out of the features. */
import { type Family, hasModelType } from "./family.ts";
import { MISTRAL_DECODER } from "./mistral.ts";
import { type AnyresKind, readAnyresPictures } from "./parts/anyres-pictures.ts";
import { describeLlava } from "./parts/llava-parts.ts";
import { CLIP_PIXELS } from "./parts/pixel-values.ts";

const PICTURES: AnyresKind = {
  processor: "LlavaNextImageProcessor",
  pixels: CLIP_PIXELS,
  resolutions: (side) =>
    [
      [1, 2],
      [2, 1],
      [2, 2],
      [3, 1],
      [1, 3],
    ].map(([rows, cols]) => ({ width: cols! * side, height: rows! * side })),
};

export const llavaNext: Family = {
  name: "llava_next",
  matches: (files) => hasModelType(files, "llava_next"),
  describe(files) {
    return describeLlava(files.config, {
      family: "llava_next",
      decoders: { mistral: MISTRAL_DECODER },
      learned: { names: ["image_newline", "model.image_newline"] },
      readPictures: (tower) => readAnyresPictures(files, PICTURES, tower),
    });
  },
};
