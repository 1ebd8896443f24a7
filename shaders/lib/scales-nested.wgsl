// Scales as 8-bit integers, times an f32 that NEST_GROUPS groups share; same names as scales-f16.wgsl. A record has the
// f32, then a byte a group. Needs the same as scales-f16.wgsl, and NEST_GROUPS.

const PAIRED = 0u;
const NEST_WORDS = 1u + NEST_GROUPS / 4u;

fn group_scale(group: u32) -> vec2f {
  let nest = params.scales + group / NEST_GROUPS * NEST_WORDS;
  let counts = bitcast<i32>(weight_word(nest + 1u + group % NEST_GROUPS / 4u));
  return vec2f(bitcast<f32>(weight_word(nest)) * f32(extractBits(counts, 8u * (group % 4u), 8u)), 0.0);
}
