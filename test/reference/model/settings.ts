/** Settings of the reference model: config fields it reads, compression and inhibition. */
import type { Activation } from "../activation.ts";
import type { FocusScore } from "../focus.ts";
import type { InhibitionSchedule } from "../inhibit.ts";
import type { MergeMode } from "../merge.ts";

/** Fields of config.json's vision part (or of a ViT's config.json) that the reference reads. */
export interface VisionConfig {
  model_type: string;
  hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  image_size: number;
  patch_size: number;
  hidden_act: string;
  layer_norm_eps: number;
}

/** Fields of config.json's text part (or of a decoder's own config.json) that the reference reads. */
export interface TextConfig {
  hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim?: number;
  vocab_size: number;
  rms_norm_eps: number;
  rope_theta: number;
}

export interface LlavaConfig {
  image_token_index: number;
  vision_feature_layer: number;
  vision_feature_select_strategy: "default" | "full";
  projector_hidden_act: string;
  vision_config: VisionConfig;
  text_config: TextConfig;
}

export type Compression =
  | { method: "none" }
  | {
      method: "vmtc";
      tokens?: number;
      ratio?: number;
      stages?: number;
      blocks?: number[];
      clusters?: number | "auto";
      merge?: MergeMode;
      iterations?: number;
      positions?: "contiguous" | "original";
    }
  | { method: "prune-last"; tokens: number }
  | { method: "pool"; factor: number }
  | { method: "prumerge"; tokens?: number };

export interface Inhibition {
  maxRatio: number;
  score?: FocusScore;
  discount?: number;
  scores?: "weights" | "logits";
  schedule?: InhibitionSchedule;
  scope?: "row" | "image";
}

/** The activation that a Hugging Face config names. */
export function activationOf(name: string): Activation {
  const known: Record<string, Activation> = {
    gelu: "gelu",
    gelu_pytorch_tanh: "gelu_tanh",
    quick_gelu: "quick_gelu",
    silu: "silu",
  };
  const activation = known[name];
  if (!activation) throw new TypeError(`activation ${name} is not known to the reference`);
  return activation;
}
