/** The embedding of a picture from the rows that its encoder leaves, in f64: CLIP's class token and SigLIP's probe. */
import { attention } from "../attention.ts";
import { layerNorm } from "../layer-norm.ts";
import { matmul } from "../matmul.ts";
import { activationOf, type VisionConfig } from "./settings.ts";
import { tensorData, type Weights } from "./weights.ts";

/** x of length 1. */
function unit(x: Float64Array): Float64Array {
  const length = Math.hypot(...x);
  return x.map((value) => value / length);
}

/**
 * @param features [T, C] before post_layernorm, the class token first
 * @param weights names of the file
 */
export function poolClass(features: Float64Array, config: VisionConfig, weights: Weights): Float64Array {
  const width = config.hidden_size;
  const [weight, bias] = ["weight", "bias"].map((name) => tensorData(weights, `vision_model.post_layernorm.${name}`));
  const row = layerNorm(features.subarray(0, width), weight!, bias!, config.layer_norm_eps);
  return unit(matmul(row, tensorData(weights, "visual_projection.weight"), width));
}

/**
 * @param features [T, C] after post_layernorm
 * @param weights names of the file
 */
export function poolProbe(features: Float64Array, config: VisionConfig, weights: Weights): Float64Array {
  const width = config.hidden_size;
  const heads = config.num_attention_heads;
  const tensor = (name: string) => tensorData(weights, `vision_model.head.${name}`);
  const packed = { weight: tensor("attention.in_proj_weight"), bias: tensor("attention.in_proj_bias") };
  const project = (x: Float64Array, part: number) =>
    matmul(x, packed.weight.slice(part * width * width, (part + 1) * width * width), width, {
      bias: packed.bias.slice(part * width, (part + 1) * width),
    });
  const [q, k, v] = [project(tensor("probe"), 0), project(features, 1), project(features, 2)];
  const { output } = attention(q!, k!, v!, { heads, keyHeads: heads, headWidth: width / heads });
  const linear = (name: string, x: Float64Array, options: object = {}) =>
    matmul(x, tensor(`${name}.weight`), x.length, { bias: tensor(`${name}.bias`), ...options });
  const a = linear("attention.out_proj", output);
  const normed = layerNorm(a, tensor("layernorm.weight"), tensor("layernorm.bias"), config.layer_norm_eps);
  const middle = linear("mlp.fc1", normed, { activation: activationOf(config.hidden_act) });
  return unit(linear("mlp.fc2", middle, { residual: a }));
}
