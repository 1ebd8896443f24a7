// Weights stored as integers of 6 bits less 32 in groups, four at a time; with lib/scale-group the names of weight-f32.wgsl.
// The upper two bits follow the nibbles. Needs lib/part-vec4, and of the shader around it `params.scales`, where they end.

alias Stored = u32;

fn weight_word(at: u32) -> u32 {
  return weight[at];
}

fn integer_part(at: u32) -> Part {
  let half = weight[at / 2u] >> (16u * (at % 2u));
  let high = weight[params.scales / 6u * 4u + at / 4u] >> (8u * (at % 4u));
  let nibbles = vec4u(half, half >> 4u, half >> 8u, half >> 12u) & vec4u(15u);
  return vec4f(nibbles | (vec4u(high << 4u, high << 2u, high, high >> 2u) & vec4u(48u))) - 32.0;
}
