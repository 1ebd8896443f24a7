// Weights stored as integers of 8 bits in groups, four at a time; with lib/scale-group the same names as
// weight-f32.wgsl.
// Needs lib/part-vec4.

alias Stored = u32;

fn weight_word(at: u32) -> u32 {
  return weight[at];
}

// Masked and multiplied down, as in levels-even.wgsl. The three lower bytes count from -128 once their signs are flipped.
fn integer_part(at: u32) -> Part {
  let word = weight[at];
  let bytes = vec4i(vec4u(word ^ 0x808080u) & vec4u(0xffu, 0xff00u, 0xff0000u, 0xff000000u));
  return vec4f(bytes) * vec4f(0x1p0, 0x1p-8, 0x1p-16, 0x1p-24) - vec4f(128.0, 128.0, 128.0, 0.0);
}
