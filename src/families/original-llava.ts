/**
 * Checkpoints of the original LLaVA code (haotian-liu/LLaVA, LLaVA-NeXT). Their config.json has the decoder's fields at the
 * top and only names the encoder (`mm_vision_tower`). It is rewritten as the config of Hugging Face's port of the same
 * checkpoint. Tiles of higher resolution ("anyres") are not run: a picture is encoded once, as in that code's other modes.
 */
import { type Family, imageProcessor } from "./family.ts";
import { ConfigFields } from "./fields.ts";
import { LLAMA_DECODER, QWEN2_DECODER } from "./parts/decoder-config.ts";
import { CLIP_LARGE_336, describeLlava } from "./parts/llava-parts.ts";
import type { SquareKind } from "./parts/square-pictures.ts";

/** The encoders that published checkpoints name, by the last part of the name (the rest may be a folder of the trainer). */
const TOWERS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "clip-vit-large-patch14": { ...CLIP_LARGE_336, image_size: 224 },
  "clip-vit-large-patch14-336": CLIP_LARGE_336,
  // LLaVA-NeXT drops the 27th block when it loads the encoder, so its checkpoints have 26 and all are run.
  "siglip-so400m-patch14-384": {
    model_type: "siglip_vision_model",
    hidden_size: 1152,
    intermediate_size: 4304,
    num_hidden_layers: 26,
    num_attention_heads: 16,
    patch_size: 14,
    image_size: 384,
  },
};

/** The decoder by `model_type`; some published configs say the decoder's own type. */
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
  // Only there does the encoder stand as a name.
  matches: ({ config }) => config.has("mm_vision_tower"),
  describe(files) {
    const rewritten = ConfigFields.of(rewrite(files.config), "config.json, rewritten as Hugging Face's");
    return describeLlava(rewritten, imageProcessor(files), squareOf(files.config));
  },
};

/**
 * @returns the same model as LlavaConfig fields, to be read and checked like any other
 * @throws FoveaError `unsupported-model`
 */
function rewrite(fields: ConfigFields): Record<string, unknown> {
  const decoder = fields.choice("model_type", "missing", DECODERS);
  const tower = readTower(fields);
  if (fields.has("mm_hidden_size") && fields.value("mm_hidden_size") !== tower.hidden_size)
    throw fields.unsupported("mm_hidden_size", `${tower.hidden_size}, the width of this mm_vision_tower`);
  if (fields.has("mm_resampler_type")) throw fields.unsupported("mm_resampler_type", "null");
  // Markers around the picture's tokens belong to prompts that Fovea does not write.
  if (fields.boolean("mm_use_im_start_end", false)) throw fields.unsupported("mm_use_im_start_end", "false");
  // Two linear layers; a missing type means the single layer of the first LLaVA.
  fields.choice("mm_projector_type", "missing", { mlp2x_gelu: true });

  const siglip = tower.model_type === "siglip_vision_model";
  const strategy = fields.choice("mm_vision_select_feature", "patch", { patch: "default", cls_patch: "full" });
  const text = Object.fromEntries(fields.entries());
  return {
    model_type: "llava",
    vision_config: tower,
    text_config: { ...text, model_type: decoder },
    // That code marks a picture by -200; the first id behind the vocabulary is what the port chose.
    image_token_index: fields.value("vocab_size") ?? KINDS[decoder].vocabularySize,
    vision_feature_layer: siglip ? -1 : (fields.value("mm_vision_select_layer") ?? -2),
    // Its SigLIP has no class token to drop, whatever `mm_vision_select_feature` says.
    vision_feature_select_strategy: siglip ? "full" : strategy,
  };
}

/**
 * As that code's `process_images`: it pads only where the field says so, and squashes the overview of tiles. Everything
 * else, a missing field too, is left to the encoder's image processor.
 */
function squareOf(fields: ConfigFields): Partial<SquareKind> {
  const ratio = String(fields.value("image_aspect_ratio"));
  if (ratio === "pad") return { always: "pad" };
  return ratio.startsWith("anyres") ? { always: "squash" } : { pads: false };
}

function readTower(fields: ConfigFields): Readonly<Record<string, unknown>> {
  const name = fields.value("mm_vision_tower");
  const last = typeof name === "string" ? name.split("/").at(-1)! : "";
  if (!Object.hasOwn(TOWERS, last)) throw fields.unsupported("mm_vision_tower", Object.keys(TOWERS).join(", "));
  return TOWERS[last]!;
}
