// Weights stored in f16, four at a time; same names as weight-f32.wgsl. Works on devices without f16 arithmetic.
// Needs lib/part-vec4.

alias Stored = vec2u;

fn weight_part(at: u32) -> Part {
  let words = weight[at];
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}
