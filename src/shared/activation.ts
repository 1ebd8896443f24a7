/** The activation functions that a product can apply to its result, by the names that specs and kernels share. */

/**
 * "gelu" is exact (by erf); "gelu_tanh" is its approximation, `gelu_pytorch_tanh` in Hugging Face configs. "relu2" is the
 * square of "relu".
 */
export type Activation = "none" | "gelu" | "gelu_tanh" | "quick_gelu" | "silu" | "relu" | "relu2";
