/** "mlp": LLaVA, a CLIP or SigLIP tower and two linear layers. */
import { CLIP_TOWER } from "../tower-names.ts";
import { imageToken, type Projector, type ProjectorInput } from "./projector.ts";

export const twoLayers: Projector = {
  config(input) {
    const { clip, tensors, vision, text } = input;
    const blocks = vision.num_hidden_layers as number;
    const listed = clip.metadata.numberOrList(clip.name("vision.feature_layer"));
    const layers = typeof listed === "number" ? [listed] : [...(listed ?? [])];
    if (layers.length > 1)
      throw clip.metadata.bad(`${clip.name("vision.feature_layer")} names ${layers.length} layers, one is supported`);
    // As llama.cpp, the reference for these files, though its converter has already left out the last block: with one more,
    // answers would differ from those that people know of the file.
    const run = layers[0] ?? blocks - 1;
    const hasClass = tensors.has("v.class_embd");
    return {
      model_type: "llava",
      text_config: text,
      vision_config: { model_type: hasClass ? "clip_vision_model" : "siglip_vision_model", ...vision },
      vision_feature_layer: run,
      vision_feature_select_strategy: hasClass ? "default" : "full",
      image_token_index: imageToken(input, "<image>"),
    };
  },
  preprocessor: squarePreprocessor,
  layout: () => ({
    tower: CLIP_TOWER,
    towerPrefix: "vision_tower.vision_model.",
    language: { prefix: "language_model.model.", head: "language_model.lm_head" },
    names: { "mm.0": "multi_modal_projector.linear_1", "mm.2": "multi_modal_projector.linear_2" },
    last: ["mm.2.weight", 0],
  }),
};

function squarePreprocessor({ tensors, vision }: ProjectorInput): Record<string, unknown> {
  const side = vision.image_size;
  const square = { height: side, width: side };
  // As CLIP was trained, and as Hugging Face's files for LLaVA-1.5 say.
  return tensors.has("v.class_embd")
    ? {
        image_processor_type: "CLIPImageProcessor",
        do_center_crop: true,
        crop_size: square,
        size: { shortest_edge: side },
      }
    : { image_processor_type: "SiglipImageProcessor", size: square };
}
