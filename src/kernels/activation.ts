/** The activation functions that products fuse into their epilogue, and the constant by which a variant selects one. */

import activationLib from "../../shaders/lib/activation.wgsl?raw";
import type { Activation } from "../shared/activation.ts";

/** In the order of the numbers that shaders/lib/activation.wgsl gives them. */
const ACTIVATIONS: readonly Activation[] = ["none", "gelu", "gelu_tanh", "quick_gelu", "silu", "relu", "relu2"];

/** Text of the library; its `activate` needs `activationConstant`. */
export { activationLib };

/** The constant that makes `activate` this function. */
export function activationConstant(activation: Activation): { ACTIVATION: number } {
  return { ACTIVATION: ACTIVATIONS.indexOf(activation) };
}
