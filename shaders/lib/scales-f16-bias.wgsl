// Scale and bias of a group as f16 in one word; same names as scales-f16.wgsl. The bias is the value of the integer
// -ORIGIN: formats that count from 0 store exactly that.
// Needs the same as scales-f16.wgsl, and ORIGIN.

const PAIRED = 1u;
const SCALE_UNITS = 256.0;

fn group_scale(group: u32) -> vec2f {
  let pair = unpack2x16float(weight_word(params.scales + group)) / SCALE_UNITS;
  return vec2f(pair.x, pair.y + pair.x * f32(ORIGIN));
}
