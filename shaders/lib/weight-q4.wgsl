// Weights stored as integers of 4 bits less 8, 32 neighbours under one scale, four at a time; the names of weight-f32.wgsl.
// Needs lib/part-vec4 and lib/scale-group.

alias Stored = u32;

fn scaled_part(at: u32, scale: f32) -> Part {
  let half = weight[at / 2u] >> (16u * (at % 2u));
  let levels = vec4i(vec4u(half, half >> 4u, half >> 8u, half >> 12u) & vec4u(15u)) - 8;
  return vec4f(levels) * scale;
}
