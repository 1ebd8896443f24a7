/** The activation functions of the supported checkpoints, on one number, in f64. */

/** "gelu" is the exact one (by erf), "gelu_tanh" is Hugging Face's `gelu_pytorch_tanh`. */
export type Activation = "none" | "gelu" | "gelu_tanh" | "quick_gelu" | "silu" | "relu" | "relu2";

/**
 * The error function, to within a few units of 1e-16 absolute.
 * `2 x / sqrt(pi) * exp(-x^2) * sum_n (2 x^2)^n / (1 3 5 ... (2n+1))`: all terms positive, so nothing cancels.
 */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x); // 1 - erf(6) is 2e-17
  let term = 1;
  let sum = 1;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return ((2 * x) / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

export function activate(x: number, activation: Activation): number {
  switch (activation) {
    case "none":
      return x;
    case "gelu":
      return 0.5 * x * (1 + erf(x / Math.SQRT2));
    case "gelu_tanh":
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    case "quick_gelu":
      return x / (1 + Math.exp(-1.702 * x));
    case "silu":
      return x / (1 + Math.exp(-x));
    case "relu":
      return Math.max(x, 0);
    case "relu2":
      return Math.max(x, 0) ** 2;
  }
}
