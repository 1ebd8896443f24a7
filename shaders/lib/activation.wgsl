// The activation functions of linear layers: `activate` is the one that ACTIVATION names (its place in ACTIVATIONS of
// src/kernels/activation.ts). Needs `const ACTIVATION`, and `alias Value`: f32, or a vector for several values at once.
// Every exponent is clamped (e^88 is half the largest f32): WGSL lets an implementation assume that nothing overflows,
// and some `tanh` return NaN far from zero. A NaN input still gives NaN, through the product with `value`.

fn sigmoid(value: Value) -> Value {
  return 1.0 / (1.0 + exp(-clamp(value, Value(-88.0), Value(88.0))));
}

fn silu(value: Value) -> Value {
  return value * sigmoid(value);
}

// value * Phi(value), where Phi(v) = erfc(-v / sqrt 2) / 2. WGSL has no erf. erfc for z >= 0 is the Chebyshev fit of
// Press et al., Numerical Recipes in C, 2nd edition, section 6.2 (`erfcc`). Its fractional error is below 1.2e-7
// everywhere, so the negative tail keeps the digits that 1 + erf would cancel.
fn gelu(value: Value) -> Value {
  let z = min(abs(value) * 0.70710678, Value(10.0));
  let t = 1.0 / (1.0 + 0.5 * z);
  var fit = Value(0.17087277);
  fit = fit * t - 0.82215223;
  fit = fit * t + 1.48851587;
  fit = fit * t - 1.13520398;
  fit = fit * t + 0.27886807;
  fit = fit * t - 0.18628806;
  fit = fit * t + 0.09678418;
  fit = fit * t + 0.37409196;
  fit = fit * t + 1.00002368;
  fit = fit * t - 1.26551223;
  let tail = 0.5 * t * exp(fit - z * z);
  return value * select(tail, 1.0 - tail, value > Value(0.0));
}

// 0.5 v (1 + tanh u) = v sigmoid(2 u), with u = sqrt(2 / pi) (v + 0.044715 v^3).
fn gelu_tanh(value: Value) -> Value {
  let v = clamp(value, Value(-30.0), Value(30.0));
  return value * sigmoid(1.5957691 * v * (1.0 + 0.044715 * v * v));
}

fn quick_gelu(value: Value) -> Value {
  return value * sigmoid(1.702 * value);
}

// By select, because max may drop a NaN.
fn relu(value: Value) -> Value {
  return select(value, Value(0.0), value < Value(0.0));
}

fn activate(value: Value) -> Value {
  switch (ACTIVATION) {
    case 1u: {
      return gelu(value);
    }
    case 2u: {
      return gelu_tanh(value);
    }
    case 3u: {
      return quick_gelu(value);
    }
    case 4u: {
      return silu(value);
    }
    case 5u: {
      return relu(value);
    }
    case 6u: {
      return value * relu(value);
    }
    default: {
      return value;
    }
  }
}
