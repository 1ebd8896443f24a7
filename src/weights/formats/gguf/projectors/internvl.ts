/** "internvl": InternVL, an InternViT tower, pixel shuffle, a norm and two linear layers. */
import { optionalField } from "../optional-field.ts";
import { INTERN_TOWER } from "../tower-names.ts";
import { imageToken, type Projector, scaleFactor } from "./projector.ts";

export const internvl: Projector = {
  config(input) {
    const { clip, tensors, vision, text } = input;
    return {
      model_type: "internvl",
      text_config: text,
      vision_config: {
        ...vision,
        // The converter writes the same word for both spellings of GELU, and published models have the exact one.
        hidden_act: clip.boolean("use_silu") ? "silu" : "gelu",
        attention_bias: tensors.has("v.blk.0.attn_q.bias") || tensors.has("v.blk.0.attn_qkv.bias"),
        use_qk_norm: tensors.has("v.blk.0.attn_q_norm.weight"),
        norm_type: tensors.has("v.blk.0.ln1.bias") ? "layer_norm" : "rms_norm",
        use_mean_pooling: !tensors.has("v.post_ln.weight"),
      },
      downsample_ratio: 1 / scaleFactor(input),
      image_token_id: imageToken(input, "<IMG_CONTEXT>"),
    };
  },
  preprocessor({ clip, vision }) {
    const side = vision.image_size;
    return {
      size: { height: side, width: side },
      ...optionalField("min_patches", clip.size("vision.preproc_min_tiles")),
      ...optionalField("max_patches", clip.size("vision.preproc_max_tiles")),
    };
  },
  layout: () => ({
    tower: INTERN_TOWER,
    towerPrefix: "vision_tower.",
    language: { prefix: "language_model.model.", head: "language_model.lm_head" },
    names: {
      "mm.model.mlp.0": "multi_modal_projector.layer_norm",
      "mm.model.mlp.1": "multi_modal_projector.linear_1",
      "mm.model.mlp.3": "multi_modal_projector.linear_2",
    },
    last: ["mm.model.mlp.3.weight", 0],
  }),
};
