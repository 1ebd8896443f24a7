// Weights stored as integers of 6 bits less 32 in groups, four at a time; with lib/scale-group the same names as
// weight-f32.wgsl. The upper two bits follow the nibbles. Needs lib/part-vec4, lib/levels-even, lib/above-two, and the
// shader's `params.scales`, where they end.

alias Stored = u32;

fn weight_word(at: u32) -> u32 {
  return weight[at];
}

fn integer_part(at: u32) -> Part {
  let bits = weight[params.scales / 6u * 4u + at / 4u] >> (8u * (at % 4u));
  return low_levels(weight[at / 2u] >> (16u * (at % 2u))) + above(bits, MASKS, UNITS);
}
