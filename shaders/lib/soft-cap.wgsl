// A soft limit of attention logits, cap * tanh(logit / cap); a cap of 0 changes nothing.
// Without `tanh`, whose error may be 1e-5. The exponent is clamped, because WGSL lets an implementation assume that
// nothing overflows.

const LOWEST = -1e30; // a masked logit: WGSL need not support -inf, and no real logit is below this

fn soft_cap(logits: vec4f, cap: f32) -> vec4f {
  if (cap == 0.0) {
    return logits;
  }
  let powers = exp(clamp(logits * (2.0 / cap), vec4f(-80.0), vec4f(80.0)));
  return cap * (1.0 - 2.0 / (powers + 1.0));
}
