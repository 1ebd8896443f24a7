// Weights stored as integers of 5 bits less 16 in groups, four at a time; with lib/scale-group the same names as
// weight-f32.wgsl. The fifth bits follow the nibbles. Needs lib/part-vec4, lib/levels-even, lib/above-one, and the
// shader's `params.scales`, where they end.

alias Stored = u32;

fn weight_word(at: u32) -> u32 {
  return weight[at];
}

fn integer_part(at: u32) -> Part {
  let bits = weight[params.scales / 5u * 4u + at / 8u] >> (4u * (at % 8u));
  return low_levels(weight[at / 2u] >> (16u * (at % 2u))) + above(bits, MASKS, UNITS);
}
