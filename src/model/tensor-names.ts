/**
 * What tensors are called in files: prefixes of every layout, names below them, and which tensors a file may hold that
 * no one asks for. Shapes, and which of the tensors a model wants, are in names.ts.
 */
import type { ModelConfig, VisionConfig } from "./config.ts";

/** Prefixes under which a part of the model may stand, most common first. */
export interface Prefixes {
  decoder: string[];
  /** Whole names of the head's matrix, not prefixes. */
  head: string[];
  vision: string[];
  /** By number of the linear layer. */
  projector: Record<1 | 2, string[]>;
}

/** Hugging Face's port as on the hub, the same since transformers v5, the original LLaVA; a bare LlavaModel. */
const LLAVA: Prefixes = {
  decoder: ["language_model.model.", "model.language_model.", "model.", "language_model."],
  head: ["language_model.lm_head.weight", "lm_head.weight"],
  vision: ["vision_tower.", "model.vision_tower.", "model.vision_tower.vision_tower."].flatMap((prefix) => [
    `${prefix}vision_model.`,
    prefix,
  ]),
  projector: {
    1: ["multi_modal_projector.linear_1", "model.multi_modal_projector.linear_1", "model.mm_projector.0"],
    2: ["multi_modal_projector.linear_2", "model.multi_modal_projector.linear_2", "model.mm_projector.2"],
  },
};

/** With the level that the task's class adds, and without it. */
const ALONE: Prefixes = {
  decoder: ["model.", ""],
  head: ["lm_head.weight"],
  vision: ["vit.", ""],
  projector: { 1: [], 2: [] },
};

export function prefixesOf(config: ModelConfig): Prefixes {
  return config.modelType === "llava" ? LLAVA : ALONE;
}

/** An encoder's names; those of layers lack ".weight" and ".bias". */
interface VisionNames {
  classToken: string;
  positions: string;
  patch: string;
  /** In front of a block's number. */
  blocks: string;
  norm1: string;
  norm2: string;
  query: string;
  key: string;
  value: string;
  out: string;
  fc1: string;
  fc2: string;
  /** What files hold beside, which is never run; SigLIP's pooling head has no use without its text encoder. */
  unwanted: RegExp;
}

const CLIP_NAMES: VisionNames = {
  classToken: "embeddings.class_embedding",
  positions: "embeddings.position_embedding.weight",
  patch: "embeddings.patch_embedding",
  blocks: "encoder.layers.",
  norm1: "layer_norm1",
  norm2: "layer_norm2",
  query: "self_attn.q_proj",
  key: "self_attn.k_proj",
  value: "self_attn.v_proj",
  out: "self_attn.out_proj",
  fc1: "mlp.fc1",
  fc2: "mlp.fc2",
  unwanted: /^(post_layernorm\.(weight|bias)|head\..+)$/,
};

const VIT_NAMES: VisionNames = {
  classToken: "embeddings.cls_token",
  positions: "embeddings.position_embeddings",
  patch: "embeddings.patch_embeddings.projection",
  blocks: "encoder.layer.",
  norm1: "layernorm_before",
  norm2: "layernorm_after",
  query: "attention.attention.query",
  key: "attention.attention.key",
  value: "attention.attention.value",
  out: "attention.output.dense",
  fc1: "intermediate.dense",
  fc2: "output.dense",
  unwanted: /^(pooler\.dense\.(weight|bias)|embeddings\.mask_token)$/,
};

export function visionNames({ family }: VisionConfig): VisionNames {
  return family === "vit" ? VIT_NAMES : CLIP_NAMES;
}

/** Tables that are computed here, and LLaVA-NeXT's separator of rows of tiles. */
const NEVER_WANTED = /(^|\.)(inv_freq|position_ids|image_newline)$/;

/** Whether a file may hold this tensor though the model does without it. */
export function isUnwanted(config: ModelConfig, name: string): boolean {
  if (NEVER_WANTED.test(name)) return true;
  const prefixes = prefixesOf(config);
  if (config.decoder?.tiedHead && prefixes.head.includes(name)) return true;
  const { vision } = config;
  if (!vision) return false;
  return prefixes.vision.some(
    (prefix) => name.startsWith(prefix) && isUnwantedInVision(vision, name.slice(prefix.length)),
  );
}

function isUnwantedInVision(config: VisionConfig, name: string): boolean {
  const { blocks, unwanted } = visionNames(config);
  if (unwanted.test(name)) return true;
  if (!name.startsWith(blocks)) return false;
  // Blocks behind the last that is run; one that config.json does not count is a stranger.
  const block = /^(\d+)\./.exec(name.slice(blocks.length))?.[1];
  return block !== undefined && Number(block) >= config.runBlocks && Number(block) < config.blocks;
}
