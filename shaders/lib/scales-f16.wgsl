// The scale of each group of integers, one f16 a group: `group_scale(group)` is the scale, and 0 for the bias.
// scales-f16-bias, scales-f16-zeros, scales-f32 and scales-f32-bias have the same names; PAIRED says if there is a
// bias.
// Needs `weight_word` of lib/chunk-* or lib/weight-*, and the shader's `params.scales`, the word at which the scales
// begin.

const PAIRED = 0u;
const SCALE_UNITS = 256.0; // scales are stored times this, far from the subnormal numbers of f16

fn group_scale(group: u32) -> vec2f {
  let scales = unpack2x16float(weight_word(params.scales + group / 2u));
  return vec2f(select(scales.x, scales.y, group % 2u == 1u) / SCALE_UNITS, 0.0);
}
