// Weights stored as integers of 4 bits in groups, four at a time; with lib/scale-group the same names as
// weight-f32.wgsl.
// Needs lib/part-vec4 and lib/levels-*.

alias Stored = u32;

fn weight_word(at: u32) -> u32 {
  return weight[at];
}

fn integer_part(at: u32) -> Part {
  return low_levels(weight[at / 2u] >> (16u * (at % 2u)));
}
