/**
 * Shikra in its original layout: CLIP, one linear layer, Llama. Tags surround a picture, which may be anywhere in a
 * question; boxes and points are plain text.
 */
import { type Family, hasModelType, imageProcessor } from "./family.ts";
import { ConfigFields } from "./fields.ts";
import { LLAMA_DECODER, MAX_TOKEN_ID } from "./parts/decoder-config.ts";
import { describeLlava, VICUNA } from "./parts/llava-parts.ts";
import { rewriteConfig } from "./parts/original-config.ts";
import { readSquarePictures } from "./parts/square-pictures.ts";

/** "<im_patch>", "<im_start>" and "<im_end>" are the last ids of the vocabulary. */
const TAGS = { start: "<im_start>", end: "<im_end>", count: 3 };

export const shikra: Family = {
  name: "shikra",
  matches: (files) => hasModelType(files, "shikra"),
  describe(files) {
    const { config } = files;
    if (config.has("mm_projector_type")) throw config.unsupported("mm_projector_type", "no such field");
    if (!config.boolean("mm_use_im_start_end", true)) throw config.unsupported("mm_use_im_start_end", "true");
    const vocabulary = config.integer(
      "vocab_size",
      LLAMA_DECODER.vocabularySize + TAGS.count,
      TAGS.count,
      MAX_TOKEN_ID,
    );
    const rewritten = rewriteConfig(config, "llama", vocabulary - TAGS.count);
    return describeLlava(ConfigFields.of(rewritten, "config.json, rewritten as Hugging Face's"), {
      family: "shikra",
      layers: [["model.mm_projector"]],
      fallbackPrompt: VICUNA,
      readPictures: (tower) => ({
        ...readSquarePictures(imageProcessor(files), { ...tower.kind, always: "pad" }, tower),
        runs: (_, [rows]) => [{ text: TAGS.start }, { view: 0, rows: rows! }, { text: TAGS.end }],
        marks: ["<image>"],
        afterMark: "",
      }),
    });
  },
};
