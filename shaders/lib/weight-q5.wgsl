// Weights stored as integers of 5 bits less 16 in groups, four at a time; with lib/scale-group the names of weight-f32.wgsl.
// The fifth bits follow the nibbles. Needs lib/part-vec4, and of the shader around it `params.scales`, where they end.

alias Stored = u32;

fn weight_word(at: u32) -> u32 {
  return weight[at];
}

fn integer_part(at: u32) -> Part {
  let half = weight[at / 2u] >> (16u * (at % 2u));
  let high = weight[params.scales / 5u * 4u + at / 8u] >> (4u * (at % 8u));
  let nibbles = vec4u(half, half >> 4u, half >> 8u, half >> 12u) & vec4u(15u);
  return vec4f(nibbles | (vec4u(high << 4u, high << 3u, high << 2u, high << 1u) & vec4u(16u))) - 16.0;
}
