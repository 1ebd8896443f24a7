// A soft limit of attention logits, cap * tanh(logit / cap); a cap of 0 changes nothing.
// Not by `tanh`, whose error may be 1e-5, and with a clamped exponent: WGSL lets an implementation assume that nothing
// overflows.

fn soft_cap(logits: vec4f, cap: f32) -> vec4f {
  if (cap == 0.0) {
    return logits;
  }
  let powers = exp(clamp(logits * (2.0 / cap), vec4f(-80.0), vec4f(80.0)));
  return cap * (1.0 - 2.0 / (powers + 1.0));
}
