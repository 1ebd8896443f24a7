/**
 * "pixtral": Pixtral and Mistral Small, a tower with rotary positions and two linear layers; the latter merges patches.
 */
import { PIXTRAL_TOWER } from "../tower-names.ts";
import { imageToken, type Projector } from "./projector.ts";

const MERGER = "mm.patch_merger.weight";

export const pixtral: Projector = {
  config(input) {
    const { clip, tensors, vision, text } = input;
    return {
      ...(tensors.has(MERGER)
        ? { model_type: "mistral3", spatial_merge_size: clip.size("vision.spatial_merge_size") ?? 2 }
        : { model_type: "llava", vision_feature_select_strategy: "full" }),
      text_config: text,
      vision_config: {
        ...vision,
        model_type: "pixtral",
        rope_theta: clip.number("rope.freq_base") ?? 10000,
        hidden_act: clip.boolean("use_gelu") ? "gelu" : "silu",
      },
      vision_feature_layer: -1,
      multimodal_projector_bias: tensors.has("mm.1.bias"),
      image_token_index: imageToken(input, "[IMG]"),
    };
  },
  preprocessor: ({ vision }) => ({
    image_processor_type: "PixtralImageProcessor",
    size: { longest_edge: vision.image_size },
    patch_size: vision.patch_size,
  }),
  layout: () => ({
    tower: PIXTRAL_TOWER,
    towerPrefix: "vision_tower.",
    language: { prefix: "language_model.model.", head: "language_model.lm_head" },
    names: {
      "mm.input_norm": "multi_modal_projector.norm",
      "mm.patch_merger": "multi_modal_projector.patch_merger.merging_layer",
      "mm.1": "multi_modal_projector.linear_1",
      "mm.2": "multi_modal_projector.linear_2",
    },
    last: ["mm.2.weight", 0],
    permuted: true,
    // The row of a token, which llama.cpp puts at the end of each line of patches.
    repeated: ["v.token_embd.img_break"],
  }),
};
