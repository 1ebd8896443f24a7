/** "idefics3": Idefics 3 and SmolVLM, a SigLIP tower, pixel shuffle and one matrix. */
import { CLIP_TOWER } from "../tower-names.ts";
import { imageToken, type Projector, scaleFactor } from "./projector.ts";

export const idefics3: Projector = {
  config(input) {
    const { vision, text } = input;
    return {
      model_type: "idefics3",
      text_config: text,
      vision_config: vision,
      scale_factor: scaleFactor(input),
      image_token_id: imageToken(input, "<image>"),
    };
  },
  preprocessor({ clip, vision }) {
    const tile = vision.image_size as number;
    // Published models cut pictures into four tiles along the longer side.
    const longest = clip.size("vision.preproc_image_size") ?? 4 * tile;
    return { max_image_size: { longest_edge: tile }, size: { longest_edge: longest } };
  },
  layout: () => ({
    tower: CLIP_TOWER,
    towerPrefix: "model.vision_model.",
    language: { prefix: "model.text_model.", head: "lm_head" },
    names: { "mm.model.fc": "model.connector.modality_projection.proj" },
    last: ["mm.model.fc.weight", 0],
  }),
};
