/**
 * Names of an image encoder's tensors in Hugging Face's layouts, by their names in GGUF; without ".weight" and ".bias".
 */

export interface TowerNames {
  names: Readonly<Record<string, string>>;
  /** Before a block's number. */
  blocks: string;
  blockNames: Readonly<Record<string, string>>;
}

export const CLIP_TOWER: TowerNames = {
  names: {
    "v.class_embd": "embeddings.class_embedding",
    "v.patch_embd": "embeddings.patch_embedding",
    "v.position_embd": "embeddings.position_embedding",
    // The published class spells it so.
    "v.pre_ln": "pre_layrnorm",
    "v.post_ln": "post_layernorm",
  },
  blocks: "encoder.layers.",
  blockNames: {
    ln1: "layer_norm1",
    ln2: "layer_norm2",
    attn_q: "self_attn.q_proj",
    attn_k: "self_attn.k_proj",
    attn_v: "self_attn.v_proj",
    attn_out: "self_attn.out_proj",
    ffn_up: "mlp.fc1",
    ffn_down: "mlp.fc2",
  },
};

export const INTERN_TOWER: TowerNames = {
  names: {
    "v.class_embd": "embeddings.cls_token",
    "v.patch_embd": "embeddings.patch_embeddings.projection",
    "v.position_embd": "embeddings.position_embeddings",
    "v.post_ln": "layernorm",
  },
  blocks: "encoder.layer.",
  blockNames: {
    ln1: "layernorm_before",
    ln2: "layernorm_after",
    ls1: "lambda_1",
    ls2: "lambda_2",
    attn_q: "attention.q_proj",
    attn_k: "attention.k_proj",
    attn_v: "attention.v_proj",
    attn_q_norm: "attention.q_norm",
    attn_k_norm: "attention.k_norm",
    attn_out: "attention.projection_layer",
    ffn_up: "mlp.fc1",
    ffn_down: "mlp.fc2",
  },
};

export const PIXTRAL_TOWER: TowerNames = {
  names: { "v.patch_embd": "patch_conv", "v.pre_ln": "ln_pre" },
  blocks: "transformer.layers.",
  blockNames: {
    ln1: "attention_norm",
    ln2: "ffn_norm",
    attn_q: "attention.q_proj",
    attn_k: "attention.k_proj",
    attn_v: "attention.v_proj",
    attn_out: "attention.o_proj",
    ffn_gate: "feed_forward.gate_proj",
    ffn_up: "feed_forward.up_proj",
    ffn_down: "feed_forward.down_proj",
  },
};

/** Of the three towers with a merger, whose families read queries, keys and values apart where config.json says so. */
const MERGED = {
  names: { "v.patch_embd": "patch_embed.proj", "v.position_embd": "pos_embed" },
  blocks: "blocks.",
  blockNames: {
    ln1: "norm1",
    ln2: "norm2",
    attn_q: "attn.q",
    attn_k: "attn.k",
    attn_v: "attn.v",
    attn_out: "attn.proj",
  },
} as const;

export const MERGER_2_TOWER: TowerNames = {
  ...MERGED,
  blockNames: { ...MERGED.blockNames, ffn_up: "mlp.fc1", ffn_down: "mlp.fc2" },
};

export const MERGER_25_TOWER: TowerNames = {
  ...MERGED,
  blockNames: {
    ...MERGED.blockNames,
    ffn_gate: "mlp.gate_proj",
    ffn_up: "mlp.up_proj",
    ffn_down: "mlp.down_proj",
  },
};

export const MERGER_3_TOWER: TowerNames = {
  ...MERGED,
  blockNames: { ...MERGED.blockNames, ffn_up: "mlp.linear_fc1", ffn_down: "mlp.linear_fc2" },
};

/** Parameters that are one vector or matrix, not the weight of a layer. */
export const BARE =
  /\.(embeddings\.(class_embedding|cls_token|position_embeddings)|lambda_[12]|mm_input_projection_weight)$/;
