/** "lfm2": LFM2-VL, a SigLIP 2 tower over views of any shape, pixel unshuffle and two linear layers. */
import { CLIP_TOWER } from "../tower-names.ts";
import { imageToken, neededMatrix, type Projector } from "./projector.ts";

export const lfm2: Projector = {
  config(input) {
    const { clip, tensors, vision, text } = input;
    const table = neededMatrix(input, "v.position_embd.weight");
    return {
      model_type: "lfm2_vl",
      text_config: text,
      vision_config: {
        ...vision,
        model_type: "siglip2_vision_model",
        num_patches: table.shape[0],
        // The family's own files have a linear layer.
        patch_is_convolution: true,
      },
      downsample_factor: clip.size("vision.projector.scale_factor") ?? 2,
      projector_hidden_size: neededMatrix(input, "mm.1.weight").shape[0],
      projector_use_layernorm: tensors.has("mm.input_norm.weight"),
      projector_bias: tensors.has("mm.1.bias"),
      image_token_id: imageToken(input, "<image>"),
    };
  },
  preprocessor: () => ({}),
  layout: () => ({
    tower: CLIP_TOWER,
    towerPrefix: "model.vision_tower.vision_model.",
    language: { prefix: "model.language_model.", head: "lm_head" },
    names: {
      "mm.input_norm": "model.multi_modal_projector.layer_norm",
      "mm.1": "model.multi_modal_projector.linear_1",
      "mm.2": "model.multi_modal_projector.linear_2",
    },
    last: ["mm.2.weight", 0],
  }),
};
