/** The activation functions that products fuse into their epilogue, and how a variant says which one. */
import activationLib from "../../shaders/lib/activation.wgsl?raw";

/** In the order of the numbers that shaders/lib/activation.wgsl gives them. */
const ACTIVATIONS = ["none", "gelu", "gelu_tanh", "quick_gelu", "silu"] as const;

/** "gelu" is the exact one (by erf), "gelu_tanh" is Hugging Face's `gelu_pytorch_tanh`. */
export type Activation = (typeof ACTIVATIONS)[number];

/** Text of the library; its `activate` needs `activationConstant`. */
export { activationLib };

/** The constant that makes `activate` this function. */
export function activationConstant(activation: Activation): { ACTIVATION: number } {
  return { ACTIVATION: ACTIVATIONS.indexOf(activation) };
}
