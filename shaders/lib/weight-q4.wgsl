// Weights stored as integers of 4 bits less 8, 32 neighbours under one scale, four at a time; the names of weight-f32.wgsl.
// Needs lib/part-vec4 and of the shader around it `params.scales`, the word at which the scales begin.

alias Stored = u32;
const SCALE_UNITS = 256.0; // scales are stored in these parts of 1, far from the subnormal halves

fn weight_part(at: u32) -> Part {
  let half = weight[at / 2u] >> (16u * (at % 2u));
  let levels = vec4i(vec4u(half, half >> 4u, half >> 8u, half >> 12u) & vec4u(15u)) - 8;
  let scales = unpack2x16float(weight[params.scales + at / 16u]);
  return vec4f(levels) * (select(scales.x, scales.y, (at / 8u) % 2u == 1u) / SCALE_UNITS);
}
