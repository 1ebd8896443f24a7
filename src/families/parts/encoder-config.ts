/**
 * The fields of an image encoder's config: CLIPVisionConfig, SiglipVisionConfig, ViTConfig and Idefics3VisionConfig of
 * Hugging Face transformers, with their defaults.
 */
import type { BlocksSpec, EncoderSpec } from "../../spec/model-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { HIDDEN_ACTIVATIONS } from "./activations.ts";

/** Defaults of the blocks of a config class. */
export interface BlocksKind {
  width: number;
  mlpWidth: number;
  blocks: number;
  heads: number;
  hiddenAct: string;
  eps: number;
}

/** The defaults of a config class, and the traits of its architecture. */
export interface EncoderKind extends BlocksKind {
  imageSize: number;
  patchSize: number;
  classToken: boolean;
  preNorm: boolean;
  patchBias: boolean;
  /** The flag for a bias of queries, keys and values; without this field they have one. */
  qkvBiasField?: string;
}

const BASE = {
  width: 768,
  mlpWidth: 3072,
  blocks: 12,
  heads: 12,
  imageSize: 224,
  classToken: true,
  preNorm: false,
  patchBias: true,
};

export const CLIP_ENCODER: EncoderKind = {
  ...BASE,
  patchSize: 32,
  hiddenAct: "quick_gelu",
  eps: 1e-5,
  preNorm: true,
  patchBias: false,
};
export const SIGLIP_ENCODER: EncoderKind = {
  ...BASE,
  patchSize: 16,
  hiddenAct: "gelu_pytorch_tanh",
  eps: 1e-6,
  classToken: false,
};
export const VIT_ENCODER: EncoderKind = {
  ...BASE,
  patchSize: 16,
  hiddenAct: "gelu",
  eps: 1e-12,
  qkvBiasField: "qkv_bias",
};

// Bounds far above published encoders, under which all products of sizes are exact integers.
export const MAX_WIDTH = 1 << 14;
export const MAX_MLP_WIDTH = 1 << 16;
export const MAX_BLOCKS = 256;
export const MAX_HEADS = 256;
export const MAX_HEAD_WIDTH = 128; // the attention kernels keep a head in registers and workgroup memory
const MAX_IMAGE_SIZE = 4096;
const MAX_PATCHES = 128 * 128; // attention takes the square of it

/** An encoder of square pictures, without the fields that the surrounding model sets. */
export interface SquareEncoder extends Omit<EncoderSpec, "runBlocks" | "postNorm" | "keepClassToken" | "cell"> {
  /** Side of the picture, in pixels. */
  imageSize: number;
}

/**
 * Reads an encoder's fields.
 *
 * @throws FoveaError `unsupported-model`
 */
export function readEncoder(fields: ConfigFields, kind: EncoderKind): SquareEncoder {
  const blocks = readBlocks(fields, kind);
  fields.integer("num_channels", 3, 3, 3);
  const imageSize = fields.integer("image_size", kind.imageSize, 1, MAX_IMAGE_SIZE);
  const side = fields.integer("patch_size", kind.patchSize, 1, imageSize);
  // Pixels beyond the last whole patch are not read, as with a strided convolution: 384 / 14 gives 27.
  const patches = Math.floor(imageSize / side);
  // Only the class's own patch size can be larger than the picture.
  if (patches === 0) throw fields.unsupported("image_size", `at least the patch_size, ${side}`);
  if (patches ** 2 > MAX_PATCHES)
    throw fields.unsupported("patch_size", `at most ${MAX_PATCHES} patches, image_size is ${imageSize}`);
  return {
    ...blocks,
    preNorm: kind.preNorm,
    patch: { side, bias: kind.patchBias },
    positions: { grid: { rows: patches, cols: patches } },
    qkvBias: kind.qkvBiasField === undefined ? true : fields.boolean(kind.qkvBiasField, true),
    classToken: kind.classToken,
    imageSize,
  };
}

/**
 * Reads the fields of a transformer's blocks.
 *
 * @throws FoveaError `unsupported-model`
 */
export function readBlocks(fields: ConfigFields, kind: BlocksKind): Omit<BlocksSpec, "qkvBias"> {
  const width = fields.integer("hidden_size", kind.width, 1, MAX_WIDTH);
  const heads = fields.integer("num_attention_heads", kind.heads, 1, MAX_HEADS);
  if (width % heads !== 0) throw fields.unsupported("num_attention_heads", `a divisor of hidden_size ${width}`);
  if (width / heads > MAX_HEAD_WIDTH)
    throw fields.unsupported(
      "num_attention_heads",
      `heads of at most ${MAX_HEAD_WIDTH}, hidden_size ${width} makes them ${width / heads} wide`,
    );
  return {
    width,
    heads,
    blocks: fields.integer("num_hidden_layers", kind.blocks, 1, MAX_BLOCKS),
    mlp: {
      width: fields.integer("intermediate_size", kind.mlpWidth, 1, MAX_MLP_WIDTH),
      activation: fields.choice("hidden_act", kind.hiddenAct, HIDDEN_ACTIVATIONS),
    },
    eps: fields.number("layer_norm_eps", kind.eps, 1e-20, 0.1),
  };
}

/** The fields with a number for `image_size` and for `patch_size`, which may be lists of two equal ones. */
export function withEqualSides(fields: ConfigFields): ConfigFields {
  const sides: Record<string, unknown> = {};
  for (const name of ["image_size", "patch_size"]) {
    const value = fields.value(name);
    if (!Array.isArray(value)) continue;
    if (value.length !== 2 || value[0] !== value[1]) throw fields.unsupported(name, "a side, or two equal ones");
    sides[name] = value[0];
  }
  return fields.with({ ...Object.fromEntries(fields.entries()), ...sides });
}
