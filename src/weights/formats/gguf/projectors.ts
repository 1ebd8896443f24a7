/**
 * The projectors of GGUF vision files that are read: which family a language file and a vision file make together, with its
 * config.json and preprocessor_config.json, and under which names the family knows the projector's tensors. Facts:
 * convert_hf_to_gguf.py and clip.cpp of llama.cpp.
 */
import { shapeText } from "../../../shared/shape.ts";
import type { GgufTensor } from "./container.ts";
import type { Keys } from "./keys.ts";
import type { LanguageNames } from "./language.ts";
import { CLIP_TOWER, INTERN_TOWER, type TowerNames } from "./tower-names.ts";

export interface ProjectorInput {
  /** Of "clip". */
  clip: Keys;
  /** Of the vision file. */
  tensors: ReadonlyMap<string, GgufTensor>;
  /** Fields of vision_config that all towers have. */
  vision: Record<string, unknown>;
  /** config.json of the language file. */
  text: Readonly<Record<string, unknown>>;
  /** Id of a token of the language file. */
  tokenId(text: string): number | undefined;
}

export interface Projector {
  config(input: ProjectorInput): Record<string, unknown>;
  /** Fields of preprocessor_config.json beside mean and standard deviation. */
  preprocessor(input: ProjectorInput): Record<string, unknown>;
  tower: TowerNames;
  /** Before the tower's names. */
  towerPrefix: string;
  language: LanguageNames;
  /** Names of the projector's tensors, without ".weight" and ".bias". */
  names: Readonly<Record<string, string>>;
}

/** Id of the image token: of the text, or the first beyond the vocabulary. */
function imageToken({ tokenId, text }: ProjectorInput, ...texts: string[]): number {
  return texts.map(tokenId).find((id) => id !== undefined) ?? (text.vocab_size as number);
}

/** LLaVA: a CLIP or SigLIP tower, two linear layers. */
function twoLayers(input: ProjectorInput): Record<string, unknown> {
  const { clip, tensors, vision, text } = input;
  const blocks = vision.num_hidden_layers as number;
  const listed = clip.metadata.numberOrList(clip.name("vision.feature_layer"));
  const layers = typeof listed === "number" ? [listed] : [...(listed ?? [])];
  if (layers.length > 1)
    throw clip.metadata.bad(`${clip.name("vision.feature_layer")} names ${layers.length} layers, one is supported`);
  // llama.cpp runs all blocks but the last where the file does not say.
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
}

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

function scaleFactor({ clip }: ProjectorInput): number {
  return clip.neededSize("vision.projector.scale_factor");
}

function idefics3(input: ProjectorInput): Record<string, unknown> {
  const { vision, text } = input;
  return {
    model_type: "idefics3",
    text_config: text,
    vision_config: vision,
    scale_factor: scaleFactor(input),
    image_token_id: imageToken(input, "<image>"),
  };
}

function idefics3Preprocessor({ clip, vision }: ProjectorInput): Record<string, unknown> {
  const tile = vision.image_size as number;
  // Published models cut pictures into four tiles along the longer side.
  const longest = clip.size("vision.preproc_image_size") ?? 4 * tile;
  return { max_image_size: { longest_edge: tile }, size: { longest_edge: longest } };
}

function internvl(input: ProjectorInput): Record<string, unknown> {
  const { tensors, vision, text } = input;
  return {
    model_type: "internvl",
    text_config: text,
    vision_config: {
      ...vision,
      hidden_act: "gelu",
      attention_bias: tensors.has("v.blk.0.attn_q.bias") || tensors.has("v.blk.0.attn_qkv.bias"),
      use_qk_norm: tensors.has("v.blk.0.attn_q_norm.weight"),
      norm_type: tensors.has("v.blk.0.ln1.bias") ? "layer_norm" : "rms_norm",
      use_mean_pooling: !tensors.has("v.post_ln.weight"),
    },
    downsample_ratio: 1 / scaleFactor(input),
    image_token_id: imageToken(input, "<IMG_CONTEXT>"),
  };
}

function lfm2(input: ProjectorInput): Record<string, unknown> {
  const { clip, tensors, vision, text } = input;
  const table = neededTensor(input, "v.position_embd.weight");
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
    projector_hidden_size: neededTensor(input, "mm.1.weight").shape[0],
    projector_use_layernorm: tensors.has("mm.input_norm.weight"),
    projector_bias: tensors.has("mm.1.bias"),
    image_token_id: imageToken(input, "<image>"),
  };
}

function neededTensor({ clip, tensors }: ProjectorInput, name: string): GgufTensor {
  const tensor = tensors.get(name);
  if (!tensor) throw clip.metadata.bad(`tensor "${name}" is missing`);
  if (tensor.shape.length !== 2)
    throw clip.metadata.bad(`tensor "${name}" is ${shapeText(tensor.shape)}, a matrix is needed`);
  return tensor;
}

export const PROJECTORS: Readonly<Record<string, Projector>> = {
  mlp: {
    config: twoLayers,
    preprocessor: squarePreprocessor,
    tower: CLIP_TOWER,
    towerPrefix: "vision_tower.vision_model.",
    language: { prefix: "language_model.model.", head: "language_model.lm_head" },
    names: { "mm.0": "multi_modal_projector.linear_1", "mm.2": "multi_modal_projector.linear_2" },
  },
  idefics3: {
    config: idefics3,
    preprocessor: idefics3Preprocessor,
    tower: CLIP_TOWER,
    towerPrefix: "model.vision_model.",
    language: { prefix: "model.text_model.", head: "lm_head" },
    names: { "mm.model.fc": "model.connector.modality_projection.proj" },
  },
  internvl: {
    config: internvl,
    preprocessor: () => ({}),
    tower: INTERN_TOWER,
    towerPrefix: "vision_tower.",
    language: { prefix: "language_model.model.", head: "language_model.lm_head" },
    names: {
      "mm.model.mlp.0": "multi_modal_projector.layer_norm",
      "mm.model.mlp.1": "multi_modal_projector.linear_1",
      "mm.model.mlp.3": "multi_modal_projector.linear_2",
    },
  },
  lfm2: {
    config: lfm2,
    preprocessor: () => ({}),
    tower: CLIP_TOWER,
    towerPrefix: "model.vision_tower.vision_model.",
    language: { prefix: "model.language_model.", head: "lm_head" },
    names: {
      "mm.input_norm": "model.multi_modal_projector.layer_norm",
      "mm.1": "model.multi_modal_projector.linear_1",
      "mm.2": "model.multi_modal_projector.linear_2",
    },
  },
};
