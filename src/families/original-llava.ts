/**
 * Checkpoints of the original LLaVA code (haotian-liu/LLaVA, LLaVA-NeXT). Their config.json has the decoder's fields at the
 * top and only names the encoder (`mm_vision_tower`). It is rewritten as the config of Hugging Face's port of the same
 * checkpoint. Tiles of higher resolution ("anyres") are not run: a picture is encoded once, as in that code's other modes.
 */
import { type Family, imageProcessor } from "./family.ts";
import { ConfigFields } from "./fields.ts";
import { LLAMA_DECODER, QWEN2_DECODER } from "./parts/decoder-config.ts";
import { describeLlava, VICUNA } from "./parts/llava-parts.ts";
import { rewriteConfig } from "./parts/original-config.ts";
import { readSquarePictures, type SquareKind } from "./parts/square-pictures.ts";

/** The decoder by `model_type`; some published configs have the decoder's own type. */
const DECODERS = {
  llava: "llama",
  llava_llama: "llama",
  llama: "llama",
  llava_qwen: "qwen2",
  llava_qwen2: "qwen2",
  qwen2: "qwen2",
} as const;
const KINDS = { llama: LLAMA_DECODER, qwen2: QWEN2_DECODER };

export const originalLlava: Family = {
  name: "llava",
  // Only these configs name the encoder.
  matches: ({ config }) => config.has("mm_vision_tower"),
  describe(files) {
    const rewritten = ConfigFields.of(rewrite(files.config), "config.json, rewritten as Hugging Face's");
    return describeLlava(rewritten, {
      family: "llava",
      fallbackPrompt: VICUNA,
      readPictures: (tower) =>
        readSquarePictures(imageProcessor(files), { ...tower.kind, ...squareOf(files.config) }, tower),
    });
  },
};

/**
 * @returns the same model as LlavaConfig fields, to be read and checked like any other
 * @throws FoveaError `unsupported-model`
 */
function rewrite(fields: ConfigFields): Record<string, unknown> {
  const decoder = fields.choice("model_type", "missing", DECODERS);
  // Markers around the picture's tokens belong to prompts that Fovea does not write.
  if (fields.boolean("mm_use_im_start_end", false)) throw fields.unsupported("mm_use_im_start_end", "false");
  // Two linear layers; a missing type means the single layer of the first LLaVA.
  fields.choice("mm_projector_type", "missing", { mlp2x_gelu: true });
  return rewriteConfig(fields, decoder, fields.value("vocab_size") ?? KINDS[decoder].vocabularySize);
}

/**
 * As in that code's `process_images`: it pads only if the field says so, and squashes the overview of tiles. In all
 * other cases, including a missing field, the encoder's image processor decides.
 */
function squareOf(fields: ConfigFields): Partial<SquareKind> {
  const ratio = fields.value("image_aspect_ratio");
  if (ratio === "pad") return { always: "pad" };
  return typeof ratio === "string" && ratio.startsWith("anyres") ? { always: "squash" } : { pads: false };
}
