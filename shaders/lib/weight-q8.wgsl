// Weights stored as integers of 8 bits, 32 neighbours under one scale, four at a time; the names of weight-f32.wgsl.
// Needs lib/part-vec4 and of the shader around it `params.scales`, the word at which the scales begin.

alias Stored = u32;
const SCALE_UNITS = 256.0; // scales are stored in these parts of 1, far from the subnormal halves

fn weight_part(at: u32) -> Part {
  let word = bitcast<i32>(weight[at]);
  let levels = vec4i(extractBits(word, 0u, 8u), extractBits(word, 8u, 8u), extractBits(word, 16u, 8u), word >> 24u);
  let scales = unpack2x16float(weight[params.scales + at / 16u]);
  return vec4f(levels) * (select(scales.x, scales.y, (at / 8u) % 2u == 1u) / SCALE_UNITS);
}
