/** Small models of two families as config.json has them, and their tensors by one layout's names. */
import type { TensorList } from "./tensor-list.ts";

/** A LLaVA with a CLIP of 3 x 3 patches, of whose 3 blocks 2 are run. */
export const smallLlava = {
  architectures: ["LlavaForConditionalGeneration"],
  image_token_index: 32000,
  model_type: "llava",
  projector_hidden_act: "gelu",
  vision_feature_layer: -2,
  vision_feature_select_strategy: "default",
  tie_word_embeddings: false,
  text_config: {
    model_type: "llama",
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 30,
  },
  vision_config: {
    model_type: "clip_vision_model",
    hidden_size: 8,
    intermediate_size: 12,
    num_hidden_layers: 3,
    num_attention_heads: 2,
    image_size: 13,
    patch_size: 4,
  },
};

/** The same with a SigLIP, all of whose blocks are run. */
export const smallSiglipLlava = {
  ...smallLlava,
  vision_feature_layer: -1,
  vision_feature_select_strategy: "full",
  vision_config: { ...smallLlava.vision_config, model_type: "siglip_vision_model" },
};

const blocks: TensorList = {
  "self_attn.{k,v,q,out}_proj.weight": [8, 8],
  "self_attn.{k,v,q,out}_proj.bias": [8],
  "layer_norm{1,2}.{weight,bias}": [8],
  "mlp.fc1.weight": [12, 8],
  "mlp.fc1.bias": [12],
  "mlp.fc2.weight": [8, 12],
  "mlp.fc2.bias": [8],
};

/** Names below a decoder's prefix, without its head. */
export const smallDecoderTensors: TensorList = {
  "embed_tokens.weight": [30, 16],
  "layers.{0..1}.": {
    "self_attn.{q,o}_proj.weight": [16, 16],
    "self_attn.{k,v}_proj.weight": [8, 16],
    "mlp.{gate,up}_proj.weight": [24, 16],
    "mlp.down_proj.weight": [16, 24],
    "{input,post_attention}_layernorm.weight": [16],
  },
  "norm.weight": [16],
};

const beside: TensorList = {
  "multi_modal_projector.linear_1.weight": [16, 8],
  "multi_modal_projector.linear_2.weight": [16, 16],
  "multi_modal_projector.linear_{1,2}.bias": [16],
  "language_model.model.": smallDecoderTensors,
  "language_model.lm_head.weight": [30, 16],
};

/** By the names of Hugging Face's port on the hub. */
export const smallLlavaTensors: TensorList = {
  "vision_tower.vision_model.": {
    "embeddings.class_embedding": [8],
    "embeddings.patch_embedding.weight": [8, 3, 4, 4],
    "embeddings.position_embedding.weight": [10, 8],
    "pre_layrnorm.{weight,bias}": [8],
    "encoder.layers.{0..2}.": blocks,
    "post_layernorm.{weight,bias}": [8],
  },
  ...beside,
};

export const smallSiglipLlavaTensors: TensorList = {
  "vision_tower.vision_model.": {
    "embeddings.patch_embedding.weight": [8, 3, 4, 4],
    "embeddings.patch_embedding.bias": [8],
    "embeddings.position_embedding.weight": [9, 8],
    "encoder.layers.{0..2}.": blocks,
    "post_layernorm.{weight,bias}": [8],
  },
  ...beside,
};

/** Of a LLaVA's tensors: the name in each layout, by that on the hub. */
export const LLAVA_LAYOUTS: Record<string, (name: string) => string> = {
  "on the hub": (name) => name,
  "transformers v5": (name) =>
    name
      .replace(/^language_model\.model\./, "model.language_model.")
      .replace(/^language_model\.lm_head/, "lm_head")
      .replace(/^(multi_modal_projector|vision_tower)/, "model.$1"),
  "original LLaVA": (name) =>
    name
      .replace(/^language_model\.(model|lm_head)/, "$1")
      .replace("multi_modal_projector.linear_1", "model.mm_projector.0")
      .replace("multi_modal_projector.linear_2", "model.mm_projector.2")
      .replace("vision_tower", "model.vision_tower.vision_tower"),
  "a bare LlavaModel": (name) => name.replace(/^language_model\.(model\.)?/, "language_model."),
};

/** An Idefics3 with tiles of 32 pixels, 8 x 8 patches, 4 x 4 cells. */
export const smallTiled = {
  model_type: "idefics3",
  image_token_id: 28,
  scale_factor: 2,
  text_config: smallLlava.text_config,
  vision_config: {
    hidden_size: 8,
    intermediate_size: 12,
    num_hidden_layers: 3,
    num_attention_heads: 2,
    image_size: 32,
    patch_size: 4,
  },
};

/** Without the level of the task's class, and without a head. */
export const smallTiledTensors: TensorList = {
  "vision_model.": {
    "embeddings.patch_embedding.weight": [8, 3, 4, 4],
    "embeddings.patch_embedding.bias": [8],
    "embeddings.position_embedding.weight": [64, 8],
    "encoder.layers.{0..2}.": blocks,
    "post_layernorm.{weight,bias}": [8],
  },
  "connector.modality_projection.proj.weight": [16, 32],
  "text_model.": smallDecoderTensors,
};
