/** LLaVA's projector from encoder width to decoder width: linear, activation, linear. */
import { matmul } from "../matmul.ts";
import { activationOf } from "./settings.ts";
import { tensorData, type Weights } from "./weights.ts";

/**
 * @param features [n, Cv], Cv the encoder's width
 * @param hiddenAct `projector_hidden_act` of config.json
 * @returns [n, C]
 */
export function project(
  features: Float64Array,
  visionWidth: number,
  hiddenAct: string,
  weights: Weights,
): Float64Array {
  const middle = matmul(features, tensorData(weights, "projector.linear_1.weight"), visionWidth, {
    bias: tensorData(weights, "projector.linear_1.bias"),
    activation: activationOf(hiddenAct),
  });
  const bias = tensorData(weights, "projector.linear_1.bias");
  return matmul(middle, tensorData(weights, "projector.linear_2.weight"), bias.length, {
    bias: tensorData(weights, "projector.linear_2.bias"),
  });
}
