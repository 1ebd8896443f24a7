// Weights stored as halves, four at a time; the names of weight-f32.wgsl. Needs no f16 arithmetic of the device.
// Needs lib/part-vec4.

alias Stored = vec2u;

fn weight_part(at: u32) -> Part {
  let words = weight[at];
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}
