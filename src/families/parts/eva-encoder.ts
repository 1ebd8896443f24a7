/** The EVA encoder of BLIP-2 and InstructBLIP: a ViT with a class token, biases, and a norm after its last block. */
import type { EncoderSpec } from "../../spec/model-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { type EncoderKind, readEncoder } from "./encoder-config.ts";
import { CLIP_NAMES, type EncoderNames } from "./encoder-tensors.ts";

/** ViT-g/14 with one block fewer than in training. */
const EVA_ENCODER: EncoderKind = {
  width: 1408,
  mlpWidth: 6144,
  blocks: 39,
  heads: 16,
  hiddenAct: "gelu",
  eps: 1e-6,
  imageSize: 224,
  patchSize: 14,
  classToken: true,
  preNorm: false,
  patchBias: true,
  qkvBiasField: "qkv_bias",
};

/** Files store the bias of queries, keys and values as one; the keys' part is zero. */
export const EVA_NAMES: EncoderNames = {
  ...CLIP_NAMES,
  positions: "embeddings.position_embedding",
  qkv: "self_attn.qkv",
  out: "self_attn.projection",
};

/** Reads the fields of `vision_config`. Features keep the class token. Throws FoveaError `unsupported-model`. */
export function readEvaEncoder(config: ConfigFields): { encoder: EncoderSpec; imageSize: number } {
  const { imageSize, ...square } = readEncoder(config.objectOrEmpty("vision_config"), EVA_ENCODER);
  const encoder = { ...square, runBlocks: square.blocks, postNorm: true, keepClassToken: true, cell: 1 };
  return { encoder, imageSize };
}
