/** Activation functions by their names in config files. */
import type { Activation } from "../../shared/activation.ts";

/** "gelu_new" and "gelu_pytorch_tanh" are the same function. */
export const HIDDEN_ACTIVATIONS: Readonly<Record<string, Activation>> = {
  gelu: "gelu",
  gelu_new: "gelu_tanh",
  gelu_pytorch_tanh: "gelu_tanh",
  quick_gelu: "quick_gelu",
  relu: "relu",
  relu2: "relu2",
  silu: "silu",
};
