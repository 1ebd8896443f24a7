// Scales and biases as 8-bit integers, times two f32 that NEST_GROUPS groups share; same names as scales-f16.wgsl. A
// record has the two f32, then a byte of each for every group. The bias is the value of the integer -ORIGIN.
// Needs the same as scales-f16.wgsl, NEST_GROUPS and ORIGIN.

const PAIRED = 1u;
const NEST_WORDS = 2u + NEST_GROUPS / 2u;

fn group_scale(group: u32) -> vec2f {
  let nest = params.scales + group / NEST_GROUPS * NEST_WORDS;
  let counts = bitcast<i32>(weight_word(nest + 2u + group % NEST_GROUPS / 2u)) << (16u * (1u - group % 2u));
  let scale = bitcast<f32>(weight_word(nest)) * f32(extractBits(counts, 16u, 8u));
  return vec2f(scale, bitcast<f32>(weight_word(nest + 1u)) * f32(counts >> 24u) + scale * f32(ORIGIN));
}
