// Scale of a group, and its bias as a whole number of scales, as f16 in one word; same names as scales-f16.wgsl.
// Needs the same as scales-f16.wgsl.

const PAIRED = 1u;
const SCALE_UNITS = 256.0;

fn group_scale(group: u32) -> vec2f {
  let pair = unpack2x16float(weight_word(params.scales + group));
  let scale = pair.x / SCALE_UNITS;
  return vec2f(scale, scale * pair.y);
}
