// Weights stored as integers of 8 bits, 32 neighbours under one scale, four at a time; the names of weight-f32.wgsl.
// Needs lib/part-vec4 and lib/scale-group.

alias Stored = u32;

fn scaled_part(at: u32, scale: f32) -> Part {
  let word = bitcast<i32>(weight[at]);
  let levels = vec4i(extractBits(word, 0u, 8u), extractBits(word, 8u, 8u), extractBits(word, 16u, 8u), word >> 24u);
  return vec4f(levels) * scale;
}
