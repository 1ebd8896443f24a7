// Scale of a group, and the whole number that the bias is of it, as f16 in one word; the names of scales-f16.wgsl.
// Needs what scales-f16.wgsl needs.

const PAIRED = 1u;
const SCALE_UNITS = 256.0;

fn group_scale(group: u32) -> vec2f {
  let pair = unpack2x16float(weight_word(params.scales + group));
  let scale = pair.x / SCALE_UNITS;
  return vec2f(scale, scale * pair.y);
}
