/**
 * The fields of an image encoder's config: CLIPVisionConfig, SiglipVisionConfig and ViTConfig of Hugging Face
 * transformers, with their defaults. Which block's output is read is the surrounding model's matter.
 */
import type { Activation } from "../kernels/activation.ts";
import type { ConfigFields } from "./config-fields.ts";

/** Names in config files; "gelu_new" and "gelu_pytorch_tanh" are the same function there. */
export const HIDDEN_ACTIVATIONS: Readonly<Record<string, Activation>> = {
  gelu: "gelu",
  gelu_new: "gelu_tanh",
  gelu_pytorch_tanh: "gelu_tanh",
  quick_gelu: "quick_gelu",
  silu: "silu",
};

/** What the config classes leave unsaid, and what the architectures differ in. All three have 768 x 12 by default. */
const FAMILIES = {
  clip: { patchSize: 32, hiddenAct: "quick_gelu", eps: 1e-5, classToken: true, preNorm: true, patchBias: false },
  siglip: {
    patchSize: 16,
    hiddenAct: "gelu_pytorch_tanh",
    eps: 1e-6,
    classToken: false,
    preNorm: false,
    patchBias: true,
  },
  vit: { patchSize: 16, hiddenAct: "gelu", eps: 1e-12, classToken: true, preNorm: false, patchBias: true },
} as const;

/** The vision_config that LlavaConfig means where there is none. */
export const CLIP_LARGE_336 = {
  model_type: "clip_vision_model",
  hidden_size: 1024,
  intermediate_size: 4096,
  num_hidden_layers: 24,
  num_attention_heads: 16,
  image_size: 336,
  patch_size: 14,
} as const;

export type VisionFamily = keyof typeof FAMILIES;

// Bounds that no published encoder comes near, and under which no product of sizes leaves the exact integers.
const MAX_WIDTH = 1 << 14;
const MAX_MLP_WIDTH = 1 << 16;
const MAX_BLOCKS = 256;
const MAX_HEADS = 256;
const MAX_HEAD_WIDTH = 128; // what the attention kernels hold in registers and workgroup memory
const MAX_IMAGE_SIZE = 4096;
const MAX_PATCHES = 128 * 128; // attention takes the square of it

/**
 * Reads an encoder's fields.
 *
 * @returns the fields of VisionConfig but `runBlocks`
 * @throws FoveaError `unsupported-model`
 */
export function readVision(fields: ConfigFields, family: VisionFamily) {
  const { patchSize: defaultPatch, hiddenAct, eps, ...traits } = FAMILIES[family];
  const width = fields.integer("hidden_size", 768, 1, MAX_WIDTH);
  const heads = fields.integer("num_attention_heads", 12, 1, MAX_HEADS);
  if (width % heads !== 0) throw fields.unsupported("num_attention_heads", `a divisor of hidden_size ${width}`);
  if (width / heads > MAX_HEAD_WIDTH)
    throw fields.unsupported(
      "num_attention_heads",
      `heads of at most ${MAX_HEAD_WIDTH}, hidden_size ${width} makes them ${width / heads} wide`,
    );
  fields.integer("num_channels", 3, 3, 3);
  const imageSize = fields.integer("image_size", 224, 1, MAX_IMAGE_SIZE);
  const patchSize = fields.integer("patch_size", defaultPatch, 1, imageSize);
  // Pixels beyond the last whole patch are not read, as with a strided convolution: 384 / 14 gives 27.
  if (Math.floor(imageSize / patchSize) ** 2 > MAX_PATCHES)
    throw fields.unsupported("patch_size", `at most ${MAX_PATCHES} patches, image_size is ${imageSize}`);
  return {
    family,
    width,
    mlpWidth: fields.integer("intermediate_size", 3072, 1, MAX_MLP_WIDTH),
    blocks: fields.integer("num_hidden_layers", 12, 1, MAX_BLOCKS),
    heads,
    imageSize,
    patchSize,
    activation: fields.choice("hidden_act", hiddenAct, HIDDEN_ACTIVATIONS),
    eps: fields.number("layer_norm_eps", eps, 1e-20, 0.1),
    ...traits,
    // CLIP and SigLIP have them always, whatever a field of this name says.
    qkvBias: family === "vit" ? fields.boolean("qkv_bias", true) : true,
  };
}
