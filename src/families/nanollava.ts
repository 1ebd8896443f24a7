/** nanoLLaVA in its original layout: SigLIP, two linear layers, Qwen2, pictures padded to a square. */
import { type Family, imageProcessor } from "./family.ts";
import { ConfigFields } from "./fields.ts";
import { QWEN2_DECODER } from "./parts/decoder-config.ts";
import { describeLlava } from "./parts/llava-parts.ts";
import { rewriteConfig } from "./parts/original-config.ts";
import { readSquarePictures } from "./parts/square-pictures.ts";

/** The second name is from older commits. */
const MODEL_TYPES = ["llava-qwen2", "bunny-qwen"];

/** -200, as u32. */
const PUBLISHED_IMAGE_ID = 2 ** 32 - 200;

export const nanollava: Family = {
  name: "nanollava",
  matches: ({ config }) => MODEL_TYPES.includes(config.value("model_type") as string) && config.has("mm_vision_tower"),
  describe(files) {
    const { config } = files;
    config.choice("mm_projector_type", "mlp2x_gelu", { mlp2x_gelu: true });
    config.choice("image_aspect_ratio", "pad", { pad: true });
    const imageTokenId = config.value("vocab_size") ?? QWEN2_DECODER.vocabularySize;
    const rewritten = rewriteConfig(config, "qwen2", imageTokenId);
    return describeLlava(ConfigFields.of(rewritten, "config.json, rewritten as Hugging Face's"), {
      family: "nanollava",
      head: "optional",
      publishedImageId: PUBLISHED_IMAGE_ID,
      readPictures: (tower) => readSquarePictures(imageProcessor(files), { ...tower.kind, always: "pad" }, tower),
    });
  },
};
