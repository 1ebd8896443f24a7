/** "gemma3": Gemma 3, a SigLIP tower, the mean of each block of patches, a norm and one matrix. */
import { CLIP_TOWER } from "../tower-names.ts";
import { imageToken, type Projector } from "./projector.ts";

export const gemma3: Projector = {
  config(input) {
    const { clip, vision, text } = input;
    const side = (vision.image_size as number) / (vision.patch_size as number);
    // Files name the factor only where it is another.
    const factor = clip.size("vision.projector.scale_factor") ?? 4;
    return {
      model_type: "gemma3",
      text_config: text,
      vision_config: { model_type: "siglip_vision_model", ...vision },
      mm_tokens_per_image: Math.floor(side / factor) ** 2,
      image_token_index: imageToken(input, "<image_soft_token>"),
    };
  },
  preprocessor({ vision }) {
    const side = vision.image_size;
    return { image_processor_type: "Gemma3ImageProcessor", size: { height: side, width: side } };
  },
  layout: () => ({
    tower: CLIP_TOWER,
    towerPrefix: "vision_tower.vision_model.",
    language: { prefix: "language_model.model.", head: "language_model.lm_head" },
    names: {
      "mm.soft_emb_norm": "multi_modal_projector.mm_soft_emb_norm",
      "mm.input_projection": "multi_modal_projector.mm_input_projection_weight",
    },
    // Stored as the family has it, [in, out].
    last: ["mm.input_projection.weight", 1],
    offsets: { "mm.soft_emb_norm.weight": 1 },
  }),
};
