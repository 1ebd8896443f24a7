/**
 * The language architectures of GGUF that are read: which family each becomes, the fields of its config.json, and how its
 * tensors differ from the usual. Facts: convert_hf_to_gguf.py and the model builders of llama.cpp.
 */
import type { GgufTensor } from "./container.ts";
import type { Keys } from "./keys.ts";
import { type RopeFactors, ropeFields } from "./rope.ts";

/** The sources of a description. */
export interface ArchitectureInput {
  keys: Keys;
  /** Fields that are the same for all architectures. */
  common: CommonFields;
  tensors: ReadonlyMap<string, GgufTensor>;
  factors: RopeFactors;
}

/** With the names of config.json. */
export interface CommonFields {
  vocab_size: number;
  hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  head_dim: number;
  max_position_embeddings: number;
  tie_word_embeddings: boolean;
}

export interface Architecture {
  /** Fields of config.json beside the common ones. */
  config(input: ArchitectureInput): Record<string, unknown>;
  /** Rows of queries and keys are stored with the two halves of each head interleaved. */
  permuted?: true;
  /**
   * Names of a layer's tensors below it that differ from the usual: without ".weight" and ".bias", or with one on the
   * left only.
   */
  layerNames?: Readonly<Record<string, string>>;
  /** Names of tensors outside of layers that differ from the usual. */
  names?: Readonly<Record<string, string>>;
  /** Added to the stored values of norms, but of those of recurrent layers; families count from values without it. */
  normOffset?: 1;
  /** `attn_qkv` holds three matrices of queries, keys and values that the family reads apart. */
  splitQkv?: true;
  /** A SentencePiece tokenizer drops white space after control tokens, which the file cannot say. */
  stripsAfterControls?: true;
}

/** Fields of decoders with RMSNorms, whose heads and feed-forward widths are the same in all layers. */
function plain(modelType: string, input: ArchitectureInput, base?: number): Record<string, unknown> {
  const { keys, common, factors } = input;
  return {
    model_type: modelType,
    num_key_value_heads: keyHeads(input),
    intermediate_size: keys.ofAllLayers("feed_forward_length", common.num_hidden_layers),
    rms_norm_eps: keys.number("attention.layer_norm_rms_epsilon"),
    ...ropeFields(keys, factors, common.head_dim, base),
  };
}

function keyHeads({ keys, common }: ArchitectureInput): number {
  return keys.ofAllLayers("attention.head_count_kv", common.num_hidden_layers) ?? common.num_attention_heads;
}

/** The window of attention; undefined where every row sees all. */
function windowOf({ keys }: ArchitectureInput): number | undefined {
  return keys.number("attention.sliding_window") || undefined;
}

/** As Llama. Biases and experts would change the mathematics: biases are refused by the family, experts here. */
function llama(input: ArchitectureInput): Record<string, unknown> {
  const { keys, tensors } = input;
  if (keys.number("expert_count"))
    throw keys.metadata.bad(
      `${keys.name("expert_count")} is ${keys.number("expert_count")}; experts are not supported`,
    );
  const window = windowOf(input);
  const hasBias = tensors.has("blk.0.attn_q.bias");
  return {
    // Mistral is Llama with a window, and goes by Llama's name here.
    ...plain(window === undefined ? "llama" : "mistral", input),
    ...(window !== undefined && { sliding_window: window }),
    ...(hasBias && { attention_bias: true }),
  };
}

/** Mistral 3: queries grow beyond the original context. */
function mistral3(input: ArchitectureInput): Record<string, unknown> {
  const beta = input.keys.number("attention.temperature_scale");
  const { rope_scaling: scaling, rope_theta: theta, ...fields } = plain(beta ? "ministral3" : "mistral", input);
  const original = fields.original_max_position_embeddings;
  return {
    ...fields,
    sliding_window: windowOf(input) ?? null,
    rope_parameters: {
      ...(scaling ?? { rope_type: "default" }),
      rope_theta: theta,
      ...(original !== undefined && { original_max_position_embeddings: original }),
      ...(beta && { llama_4_scaling_beta: beta }),
    },
  };
}

/** Layers of Gemma 2 and 3. */
const GEMMA = {
  normOffset: 1,
  layerNames: {
    ffn_norm: "pre_feedforward_layernorm",
    post_attention_norm: "post_attention_layernorm",
    post_ffw_norm: "post_feedforward_layernorm",
  },
} as const;

/**
 * The largest model of each scales attention by the width of a head in the embedding, as the builders of llama.cpp do.
 */
function gemmaScale({ common }: ArchitectureInput, layersOfLargest: number): number {
  const isLargest = common.num_hidden_layers === layersOfLargest;
  return isLargest ? common.hidden_size / common.num_attention_heads : common.head_dim;
}

function gemma2(input: ArchitectureInput): Record<string, unknown> {
  const { keys } = input;
  return {
    ...plain("gemma2", input),
    hidden_activation: "gelu_pytorch_tanh",
    query_pre_attn_scalar: gemmaScale(input, 46),
    attn_logit_softcapping: keys.number("attn_logit_softcapping") ?? 50,
    final_logit_softcapping: keys.number("final_logit_softcapping") ?? 30,
    sliding_window: windowOf(input) ?? 4096,
  };
}

function gemma3(input: ArchitectureInput): Record<string, unknown> {
  const { keys, common } = input;
  const pattern = keys.ofLayers("attention.sliding_window_pattern", common.num_hidden_layers);
  // One number is a period, a list says of each layer whether it has a window.
  const isList = pattern !== undefined && typeof keys.metadata.numberOrList(keys.name(PATTERN)) !== "number";
  return {
    ...plain("gemma3_text", input, 1e6),
    hidden_activation: "gelu_pytorch_tanh",
    query_pre_attn_scalar: gemmaScale(input, 62),
    attn_logit_softcapping: null,
    final_logit_softcapping: keys.number("final_logit_softcapping") ?? null,
    sliding_window: windowOf(input) ?? 4096,
    rope_local_base_freq: keys.number("rope.freq_base_swa") ?? 10000,
    ...(isList
      ? { layer_types: pattern.map((isLocal) => (isLocal ? "sliding_attention" : "full_attention")) }
      : { _sliding_window_pattern: pattern?.[0] ?? 6 }),
  };
}

const PATTERN = "attention.sliding_window_pattern";

function lfm2(input: ArchitectureInput): Record<string, unknown> {
  const { keys, common, factors } = input;
  const heads = keys.ofLayers("attention.head_count_kv", common.num_hidden_layers) ?? [];
  const width = keys.ofAllLayers("feed_forward_length", common.num_hidden_layers);
  return {
    model_type: "lfm2",
    layer_types: heads.map((count) => (count === 0 ? "conv" : "full_attention")),
    num_key_value_heads: Math.max(1, ...heads),
    intermediate_size: width,
    // The width is the real one.
    block_ff_dim: width,
    block_auto_adjust_ff_dim: false,
    conv_L_cache: keys.neededSize("shortconv.l_cache"),
    norm_eps: keys.number("attention.layer_norm_rms_epsilon"),
    ...ropeFields(keys, factors, common.head_dim, 1e6),
  };
}

function granite(input: ArchitectureInput): Record<string, unknown> {
  const { keys } = input;
  return {
    ...plain("granite", input),
    embedding_multiplier: keys.number("embedding_scale") ?? 1,
    residual_multiplier: keys.number("residual_scale") ?? 1,
    // Without it llama.cpp takes the usual scale.
    attention_multiplier: keys.number("attention.scale") || input.common.head_dim ** -0.5,
    logits_scaling: keys.number("logit_scale") ?? 1,
  };
}

/** Fields of decoders with LayerNorms. */
function layerNormed(modelType: string, input: ArchitectureInput): Record<string, unknown> {
  const { rms_norm_eps: _, ...fields } = plain(modelType, input);
  return { ...fields, layer_norm_eps: input.keys.number("attention.layer_norm_epsilon") };
}

function stablelm(input: ArchitectureInput): Record<string, unknown> {
  const { tensors } = input;
  return {
    ...layerNormed("stablelm", input),
    use_qkv_bias: tensors.has("blk.0.attn_q.bias"),
    // The key is unreliable; llama.cpp decides by the tensor, too.
    use_parallel_residual: !tensors.has("blk.0.ffn_norm.weight"),
    qk_layernorm: tensors.has("blk.0.attn_q_norm.weight"),
  };
}

function olmo2(input: ArchitectureInput): Record<string, unknown> {
  const window = windowOf(input);
  if (window !== undefined)
    throw input.keys.metadata.bad(
      `${input.keys.name("attention.sliding_window")} is ${window}; OLMo 3 is not supported`,
    );
  return plain("olmo2", input);
}

/** Layers of gated delta rules. Value heads lie in tiles, one of each key head: llama.cpp repeats keys so. */
function qwen35(input: ArchitectureInput): Record<string, unknown> {
  const { keys, common } = input;
  const valueHeads = keys.neededSize("ssm.time_step_rank");
  const inner = keys.neededSize("ssm.inner_size");
  if (inner % valueHeads !== 0)
    throw keys.metadata.bad(`${keys.name("ssm.inner_size")} is ${inner}, a multiple of ${valueHeads} heads is needed`);
  const interval = keys.size("full_attention_interval") ?? 4;
  return {
    ...plain("qwen3_5_text", input, 1e7),
    layer_types: Array.from({ length: common.num_hidden_layers }, (_, layer) =>
      (layer + 1) % interval === 0 ? "full_attention" : "linear_attention",
    ),
    linear_conv_kernel_dim: keys.neededSize("ssm.conv_kernel"),
    linear_key_head_dim: keys.neededSize("ssm.state_size"),
    linear_num_key_heads: keys.neededSize("ssm.group_count"),
    linear_num_value_heads: valueHeads,
    linear_value_head_dim: inner / valueHeads,
    linear_value_heads_tiled: true,
    mtp_num_hidden_layers: keys.number("nextn_predict_layers") ?? 0,
  };
}

export const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  llama: { config: llama, permuted: true },
  mistral3: { config: mistral3, permuted: true },
  qwen2: { config: (input) => plain("qwen2", input) },
  // Alone, without pictures, all axes of its positions are equal.
  qwen2vl: { config: (input) => plain("qwen2", input) },
  qwen3: { config: (input) => plain("qwen3", input) },
  qwen3vl: { config: (input) => plain("qwen3", input) },
  qwen35: {
    config: qwen35,
    normOffset: 1,
    layerNames: {
      post_attention_norm: "post_attention_layernorm",
      attn_qkv: "linear_attn.in_proj_qkv",
      attn_gate: "linear_attn.in_proj_z",
      ssm_a: "linear_attn.A_log",
      "ssm_dt.bias": "linear_attn.dt_bias",
      ssm_conv1d: "linear_attn.conv1d",
      ssm_norm: "linear_attn.norm",
      ssm_beta: "linear_attn.in_proj_b",
      ssm_alpha: "linear_attn.in_proj_a",
      ssm_out: "linear_attn.out_proj",
    },
  },
  gemma2: { config: gemma2, ...GEMMA },
  gemma3: { config: gemma3, ...GEMMA },
  smollm3: { config: (input) => plain("smollm3", input), permuted: true },
  granite: { config: granite, permuted: true },
  olmo2: {
    config: olmo2,
    layerNames: { post_attention_norm: "post_attention_layernorm", post_ffw_norm: "post_feedforward_layernorm" },
  },
  phi3: {
    config: (input) => ({ ...plain("phi3", input), sliding_window: windowOf(input) ?? null }),
    layerNames: { ffn_up: "mlp.gate_up_proj" },
    // llama.cpp goes by the name, too.
    stripsAfterControls: true,
  },
  phi2: {
    config: (input) => ({ ...layerNormed("phi", input), hidden_act: "gelu_new" }),
    splitQkv: true,
    layerNames: { attn_output: "self_attn.dense", ffn_up: "mlp.fc1", ffn_down: "mlp.fc2" },
    names: { output_norm: "final_layernorm" },
  },
  stablelm: { config: stablelm },
  lfm2: {
    config: lfm2,
    layerNames: {
      attn_norm: "operator_norm",
      ffn_norm: "ffn_norm",
      attn_q_norm: "self_attn.q_layernorm",
      attn_k_norm: "self_attn.k_layernorm",
      attn_output: "self_attn.out_proj",
      ffn_gate: "feed_forward.w1",
      ffn_up: "feed_forward.w3",
      ffn_down: "feed_forward.w2",
      "shortconv.conv": "conv.conv",
      "shortconv.in_proj": "conv.in_proj",
      "shortconv.out_proj": "conv.out_proj",
    },
    names: { output_norm: "embedding_norm", token_embd_norm: "embedding_norm" },
  },
};
