/**
 * Checkpoints of the original LLaVA code and its successors: config.json has the decoder's fields at the top and only
 * names the encoder (`mm_vision_tower`). It is rewritten as the config of Hugging Face's port of the same checkpoint.
 */
import { shown } from "../../shared/json.ts";
import type { ConfigFields } from "../fields.ts";
import { CLIP_LARGE_336 } from "./llava-parts.ts";

/** The encoders in published checkpoints, by the last part of their name; the rest may be a folder of the trainer. */
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

/**
 * The same model as LlavaConfig fields, to be read and checked like any other.
 *
 * @param decoder its `model_type`
 * @param imageTokenId the original code marks a picture by -200; the port uses the first id after the vocabulary
 * @throws FoveaError `unsupported-model`
 */
export function rewriteConfig(fields: ConfigFields, decoder: string, imageTokenId: unknown): Record<string, unknown> {
  const tower = readTower(fields);
  if (fields.has("mm_hidden_size") && fields.value("mm_hidden_size") !== tower.hidden_size)
    throw fields.unsupported("mm_hidden_size", `${shown(tower.hidden_size)}, the width of this mm_vision_tower`);
  if (fields.has("mm_resampler_type")) throw fields.unsupported("mm_resampler_type", "null");
  const siglip = tower.model_type === "siglip_vision_model";
  const strategy = fields.choice("mm_vision_select_feature", "patch", { patch: "default", cls_patch: "full" });
  return {
    model_type: "llava",
    vision_config: tower,
    text_config: { ...Object.fromEntries(fields.entries()), model_type: decoder },
    image_token_index: imageTokenId,
    vision_feature_layer: siglip ? -1 : (fields.value("mm_vision_select_layer") ?? -2),
    // Its SigLIP has no class token to drop, so `mm_vision_select_feature` does not apply.
    vision_feature_select_strategy: siglip ? "full" : strategy,
  };
}

/** The fields of the encoder; a `vision_config` takes precedence over the named encoder. */
function readTower(fields: ConfigFields): Readonly<Record<string, unknown>> {
  const name = fields.value("mm_vision_tower");
  const last = typeof name === "string" ? name.split("/").at(-1)! : "";
  if (!Object.hasOwn(TOWERS, last)) throw fields.unsupported("mm_vision_tower", Object.keys(TOWERS).join(", "));
  const own = fields.object("vision_config");
  return own ? Object.fromEntries(own.entries()) : TOWERS[last]!;
}
