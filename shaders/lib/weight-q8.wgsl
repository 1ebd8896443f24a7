// Weights stored as integers of 8 bits in groups, four at a time; with lib/scale-group the names of weight-f32.wgsl.
// Needs lib/part-vec4.

alias Stored = u32;

fn weight_word(at: u32) -> u32 {
  return weight[at];
}

fn integer_part(at: u32) -> Part {
  let word = bitcast<i32>(weight[at]);
  return vec4f(vec4i(extractBits(word, 0u, 8u), extractBits(word, 8u, 8u), extractBits(word, 16u, 8u), word >> 24u));
}
