/**
 * MiniGPT-v2 as one folder: an EVA encoder, one linear layer over strips of patches, and Llama 2. The published files are
 * parts of it, which a converter joins (docs/families.md). Source: Vision-CAIR/MiniGPT-4, `minigpt_v2.py`, `eva_vit.py`.
 */
import type { EncoderSpec, ModelSpec } from "../spec/model-spec.ts";
import { layerNorm, linear } from "../spec/tensor-spec.ts";
import { type Family, hasModelType, imageProcessor } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { LLAMA_DECODER, MAX_TOKEN_ID, readDecoder } from "./parts/decoder-config.ts";
import { decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { type EncoderKind, readEncoder } from "./parts/encoder-config.ts";
import { CLIP_NAMES, type EncoderNames, encoderTensors } from "./parts/encoder-tensors.ts";
import { BLIP_PICTURES, readSquarePictures } from "./parts/square-pictures.ts";

/** EVA's ViT-g without its last block. */
const EVA_ENCODER: EncoderKind = {
  ...{ width: 1408, mlpWidth: 6144, blocks: 39, heads: 16, hiddenAct: "gelu", eps: 1e-6 },
  ...{ imageSize: 448, patchSize: 14, classToken: true, preNorm: false, patchBias: true },
};
const EVA_NAMES: EncoderNames = {
  ...CLIP_NAMES,
  ...{ classToken: "cls_token", positions: "pos_embed", patch: "patch_embed.proj", blocks: "blocks." },
  ...{ norm1: "norm1", norm2: "norm2", qkv: "attn.qkv", out: "attn.proj" },
  biases: ["attn.q_bias", "attn.v_bias"],
};
/** Epsilon of the norm after the blocks, which use another one. */
const LAST_NORM_EPS = 1e-5;
const DECODER_NAMES = { prefixes: ["llama_model.model."], head: ["llama_model.lm_head.weight"] };
const LLAMA2 = { rms_norm_eps: 1e-5, max_position_embeddings: 4096 };
const MAX_STRIP = 64;

export const minigptV2: Family = {
  name: "minigpt_v2",
  matches: (files) => hasModelType(files, "minigpt_v2"),
  describe(files) {
    const { config } = files;
    const { encoder, imageSize } = readTower(config);
    const text = config.objectOrEmpty("text_config");
    text.choice("model_type", "llama", { llama: true });
    const { decoder, tied } = readDecoder(text.withDefaults(LLAMA2), LLAMA_DECODER);
    const { width } = decoder;
    const strip = encoder.strip!;
    return {
      family: "minigpt_v2",
      pictures: {
        ...readSquarePictures(imageProcessor(files), BLIP_PICTURES, { encoder, imageSize }),
        marks: ["<ImageHere>"],
      },
      encoder,
      connector: [
        { op: "fold", strip },
        { op: "linear", slot: "connector.1", width, activation: "none" },
      ],
      decoder,
      imageTokenId: config.integer("image_token_id", decoder.vocabularySize, 0, MAX_TOKEN_ID),
      repeatsBos: true,
      tensors: [
        ...encoderTensors({ ...encoder, postNorm: false }, EVA_NAMES, ["visual_encoder."]),
        ...layerNorm("encoder.norm", [""], "ln_vision", encoder.width),
        ...linear("connector.1", ["llama_proj"], [["", width]], { cols: strip * encoder.width, bias: true }),
        ...decoderTensors(decoder, DECODER_NAMES, tied ? "tied" : "own"),
      ],
      ignores: isComputed,
    } satisfies ModelSpec;
  },
};

function readTower(config: ConfigFields): { encoder: EncoderSpec; imageSize: number } {
  const fields = config.objectOrEmpty("vision_config");
  fields.choice("model_type", "eva_vit_g", { eva_vit_g: true });
  const { imageSize, ...square } = readEncoder(fields, EVA_ENCODER);
  const { rows, cols } = square.positions.grid;
  const strip = config.integer("merged_tokens", 4, 1, MAX_STRIP);
  if ((rows * cols) % strip !== 0) throw config.unsupported("merged_tokens", `a divisor of the ${rows * cols} patches`);
  const encoder = { ...square, runBlocks: square.blocks, postNorm: true, postNormEps: LAST_NORM_EPS, strip, cell: 1 };
  return { encoder: { ...encoder, keepClassToken: false }, imageSize };
}
