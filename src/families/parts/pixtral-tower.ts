/**
 * Pixtral's encoder: pictures of any shape, RMSNorms, gated MLPs, no biases, and rotary positions whose frequencies
 * alternate between rows and columns. Source: transformers, `modeling_pixtral.py`, `configuration_pixtral.py`.
 */
import type { EncoderSpec } from "../../spec/model-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { HIDDEN_ACTIVATIONS } from "./activations.ts";
import { MAX_BLOCKS, MAX_HEAD_WIDTH, MAX_HEADS, MAX_MLP_WIDTH, MAX_WIDTH, withEqualSides } from "./encoder-config.ts";
import type { EncoderNames } from "./encoder-tensors.ts";

/** Epsilon of every norm, a constant in the published code. */
const EPS = 1e-5;
const MAX_PATCH = 256;
const MAX_IMAGE_SIZE = 4096;
/** The most patches of a side; the cost of attention grows with its fourth power. */
const MAX_PATCHES = 128;

export const PIXTRAL_NAMES: EncoderNames = {
  classToken: "",
  positions: "",
  patch: "patch_conv",
  preNorm: "ln_pre",
  blocks: "transformer.layers.",
  norm1: "attention_norm",
  norm2: "ffn_norm",
  qkv: ["attention.q_proj", "attention.k_proj", "attention.v_proj"],
  out: "attention.o_proj",
  fc1: ["feed_forward.gate_proj", "feed_forward.up_proj"],
  fc2: "feed_forward.down_proj",
  postNorm: "",
  unused: /^$/,
};

/** The encoder without the fields that the surrounding model sets, and the longest side for which it has positions. */
export interface PixtralTower {
  encoder: Omit<EncoderSpec, "runBlocks" | "cell">;
  imageSize: number;
}

/**
 * Reads the fields of PixtralVisionConfig.
 *
 * @throws FoveaError `unsupported-model`
 */
export function readPixtralTower(given: ConfigFields): PixtralTower {
  given.choice("model_type", "pixtral", { pixtral: true });
  const fields = withEqualSides(given);
  const width = fields.integer("hidden_size", 1024, 1, MAX_WIDTH);
  const heads = fields.integer("num_attention_heads", 16, 1, MAX_HEADS);
  const headWidth = width / heads;
  // Half of the pairs turn by the row.
  if (headWidth % 4 !== 0 || headWidth > MAX_HEAD_WIDTH)
    throw fields.unsupported(
      "num_attention_heads",
      `heads whose width is a multiple of 4 up to ${MAX_HEAD_WIDTH}, hidden_size ${width} makes them ${headWidth} wide`,
    );
  fields.integer("num_channels", 3, 3, 3);
  const imageSize = fields.integer("image_size", 1024, 1, MAX_IMAGE_SIZE);
  const side = fields.integer("patch_size", 16, 1, Math.min(imageSize, MAX_PATCH));
  const patches = Math.floor(imageSize / side);
  if (patches > MAX_PATCHES)
    throw fields.unsupported("patch_size", `at most ${MAX_PATCHES} patches a side, image_size is ${imageSize}`);
  return {
    encoder: {
      ...{ width, heads, eps: EPS, rmsNorms: true, preNorm: true, postNorm: false },
      ...{ qkvBias: false, linearBias: false, classToken: false, keepClassToken: false },
      blocks: fields.integer("num_hidden_layers", 24, 1, MAX_BLOCKS),
      mlp: {
        width: fields.integer("intermediate_size", 4096, 1, MAX_MLP_WIDTH),
        activation: fields.choice("hidden_act", "gelu", HIDDEN_ACTIVATIONS),
        gated: true,
      },
      patch: { side, bias: false },
      positions: { grid: { rows: patches, cols: patches }, table: null },
      rope: { frequencies: frequenciesOf(fields, headWidth) },
    },
    imageSize,
  };
}

/** The even frequencies of a plain RoPE for rows, the odd ones for columns. */
function frequenciesOf(fields: ConfigFields, headWidth: number): number[] {
  const rope = fields.objectOrEmpty("rope_parameters");
  rope.choice("rope_type", "axial", { axial: true, default: true });
  const level = rope.has("rope_theta") ? rope : fields;
  const theta = level.number("rope_theta", 10000, 2, 1e12);
  const all = Array.from({ length: headWidth / 2 }, (_, k) => theta ** ((-2 * k) / headWidth));
  return [...all.filter((_, k) => k % 2 === 0), ...all.filter((_, k) => k % 2 === 1)];
}
