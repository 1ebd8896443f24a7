// Weights without scales; same names as scale-group.wgsl. Needs `weight_part` of lib/weight-f*.

const SCALE_PARTS = 1u << 31u;

fn weight_scale(at: u32) -> vec2f {
  return vec2f(1.0, 0.0);
}

fn scaled_part(at: u32, scale: vec2f) -> Part {
  return weight_part(at);
}
