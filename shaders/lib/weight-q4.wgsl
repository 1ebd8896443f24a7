// Weights stored as integers of 4 bits less 8 in groups, four at a time; with lib/scale-group the names of weight-f32.wgsl.
// Needs lib/part-vec4.

alias Stored = u32;

fn weight_word(at: u32) -> u32 {
  return weight[at];
}

fn integer_part(at: u32) -> Part {
  let half = weight[at / 2u] >> (16u * (at % 2u));
  return vec4f(vec4i(vec4u(half, half >> 4u, half >> 8u, half >> 12u) & vec4u(15u)) - 8);
}
