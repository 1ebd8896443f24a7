/**
 * config.json of published checkpoints, as far as a reader needs it: the fields and values stand as on the hub, so the
 * omissions are real ones. Used by several tests; holds no assertions.
 */

const CLIP_336 = {
  hidden_size: 1024,
  image_size: 336,
  intermediate_size: 4096,
  model_type: "clip_vision_model",
  num_attention_heads: 16,
  num_hidden_layers: 24,
  patch_size: 14,
  projection_dim: 768,
  vocab_size: 32000,
};

const LLAVA = {
  architectures: ["LlavaForConditionalGeneration"],
  ignore_index: -100,
  image_token_index: 32000,
  model_type: "llava",
  pad_token_id: 32001,
  projector_hidden_act: "gelu",
  vision_feature_layer: -2,
  vision_feature_select_strategy: "default",
};

/** llava-hf/llava-1.5-7b-hf */
export const llava7b = {
  ...LLAVA,
  text_config: {
    _name_or_path: "lmsys/vicuna-7b-v1.5",
    architectures: ["LlamaForCausalLM"],
    max_position_embeddings: 4096,
    model_type: "llama",
    rms_norm_eps: 1e-5,
    torch_dtype: "float16",
    vocab_size: 32064,
  },
  tie_word_embeddings: false,
  vision_config: CLIP_336,
  vocab_size: 32064,
};

/** llava-hf/llava-1.5-13b-hf */
export const llava13b = {
  ...llava7b,
  text_config: {
    hidden_size: 5120,
    intermediate_size: 13824,
    max_position_embeddings: 4096,
    model_type: "llama",
    num_attention_heads: 40,
    num_hidden_layers: 40,
    num_key_value_heads: 40,
    rms_norm_eps: 1e-5,
    vocab_size: 32064,
  },
};

/** llava-hf/llava-interleave-qwen-0.5b-hf */
export const interleave = {
  architectures: ["LlavaForConditionalGeneration"],
  ignore_index: -100,
  image_token_index: 151646,
  model_type: "llava",
  projector_hidden_act: "gelu",
  text_config: {
    bos_token_id: 151643,
    eos_token_id: 151645,
    hidden_size: 1024,
    intermediate_size: 2816,
    max_position_embeddings: 32768,
    max_window_layers: 21,
    model_type: "qwen2",
    num_attention_heads: 16,
    num_hidden_layers: 24,
    num_key_value_heads: 16,
    rope_theta: 1000000.0,
    sliding_window: 32768,
    tie_word_embeddings: true,
    use_sliding_window: false,
    vocab_size: 152000,
  },
  vision_config: {
    hidden_act: "gelu_pytorch_tanh",
    hidden_size: 1152,
    image_size: 384,
    intermediate_size: 4304,
    layer_norm_eps: 1e-6,
    model_type: "siglip_vision_model",
    num_attention_heads: 16,
    num_hidden_layers: 26,
    patch_size: 14,
    vision_use_head: false,
  },
  vision_feature_layer: -1,
  vision_feature_select_strategy: "full",
};

/** YouLiXiya/tinyllava-v1.0-1.1b-hf */
export const tinyLlava = {
  ...LLAVA,
  text_config: {
    hidden_size: 2048,
    intermediate_size: 5632,
    model_type: "llama",
    num_hidden_layers: 22,
    num_key_value_heads: 4,
    rms_norm_eps: 1e-5,
    vocab_size: 32128,
  },
  vision_config: {
    dropout: 0.0,
    hidden_size: 1024,
    image_size: 224,
    intermediate_size: 4096,
    model_type: "clip_vision_model",
    num_attention_heads: 16,
    num_hidden_layers: 24,
    patch_size: 14,
    projection_dim: 768,
  },
  vocab_size: 32128,
};

/** bczhou/tiny-llava-v1-hf */
export const tinyLlavaV1 = {
  ...LLAVA,
  text_config: { ...tinyLlava.text_config, _name_or_path: "TinyLlama/TinyLlama-1.1B-Chat-v1.0", vocab_size: 32064 },
  vision_config: CLIP_336,
  vocab_size: 32064,
};

/** Qwen/Qwen2-0.5B-Instruct */
export const qwen2 = {
  architectures: ["Qwen2ForCausalLM"],
  attention_dropout: 0.0,
  bos_token_id: 151643,
  eos_token_id: 151645,
  hidden_act: "silu",
  hidden_size: 896,
  initializer_range: 0.02,
  intermediate_size: 4864,
  max_position_embeddings: 32768,
  max_window_layers: 24,
  model_type: "qwen2",
  num_attention_heads: 14,
  num_hidden_layers: 24,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000.0,
  sliding_window: 32768,
  tie_word_embeddings: true,
  use_sliding_window: false,
  vocab_size: 151936,
};

/** TinyLlama/TinyLlama-1.1B-Chat-v1.0 */
export const tinyLlama = {
  architectures: ["LlamaForCausalLM"],
  attention_bias: false,
  bos_token_id: 1,
  eos_token_id: 2,
  hidden_act: "silu",
  hidden_size: 2048,
  intermediate_size: 5632,
  max_position_embeddings: 2048,
  model_type: "llama",
  num_attention_heads: 32,
  num_hidden_layers: 22,
  num_key_value_heads: 4,
  pretraining_tp: 1,
  rms_norm_eps: 1e-5,
  rope_scaling: null,
  rope_theta: 10000.0,
  tie_word_embeddings: false,
  vocab_size: 32000,
};

/** google/vit-base-patch16-224-in21k: no head, so no classes */
export const vitWithoutHead = {
  architectures: ["ViTModel"],
  attention_probs_dropout_prob: 0.0,
  hidden_act: "gelu",
  hidden_size: 768,
  image_size: 224,
  intermediate_size: 3072,
  layer_norm_eps: 1e-12,
  model_type: "vit",
  num_attention_heads: 12,
  num_channels: 3,
  num_hidden_layers: 12,
  patch_size: 16,
  qkv_bias: true,
};

/** liuhaotian/llava-v1.5-7b, in the original LLaVA code's form */
export const originalLlava = {
  architectures: ["LlavaLlamaForCausalLM"],
  bos_token_id: 1,
  eos_token_id: 2,
  hidden_act: "silu",
  hidden_size: 4096,
  image_aspect_ratio: "pad",
  intermediate_size: 11008,
  max_position_embeddings: 4096,
  mm_hidden_size: 1024,
  mm_projector_type: "mlp2x_gelu",
  mm_resampler_type: null,
  mm_use_im_patch_token: false,
  mm_use_im_start_end: false,
  mm_vision_select_feature: "patch",
  mm_vision_select_layer: -2,
  mm_vision_tower: "openai/clip-vit-large-patch14-336",
  model_type: "llava",
  num_attention_heads: 32,
  num_hidden_layers: 32,
  num_key_value_heads: 32,
  pad_token_id: 0,
  rms_norm_eps: 1e-5,
  rope_scaling: null,
  tie_word_embeddings: false,
  vocab_size: 32000,
};

/** The same code's form of a SigLIP and Qwen2 pair, with the sizes of the interleave checkpoint. */
export const originalInterleave = {
  ...interleave.text_config,
  architectures: ["LlavaQwenForCausalLM"],
  model_type: "llava_qwen",
  image_aspect_ratio: "anyres",
  mm_hidden_size: 1152,
  mm_patch_merge_type: "spatial_unpad",
  mm_projector_type: "mlp2x_gelu",
  mm_resampler_type: null,
  mm_use_im_start_end: false,
  mm_vision_select_feature: "patch",
  mm_vision_select_layer: -2,
  mm_vision_tower: "/checkpoints/google/siglip-so400m-patch14-384",
  vocab_size: 151936,
};
