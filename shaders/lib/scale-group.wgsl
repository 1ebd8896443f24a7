// Scales of packed weights, one for 32 neighbours. Who reads a row in order saves them, dear on software adapters:
// `weight_scale(at)` holds for the SCALE_PARTS Parts from a multiple of that on, and `scaled_part(at, scale)` is a Part.
// scale-none.wgsl has the same names for weights without scales.
// Needs `scaled_part` of lib/weight-q*, and of the shader around it `params.scales`, the word at which the scales begin.

const SCALE_PARTS = 8u;
const SCALE_UNITS = 256.0; // scales are stored in these parts of 1, far from the subnormal halves

fn weight_scale(at: u32) -> f32 {
  let scales = unpack2x16float(weight[params.scales + at / 16u]);
  return select(scales.x, scales.y, (at / 8u) % 2u == 1u) / SCALE_UNITS;
}

fn weight_part(at: u32) -> Part {
  return scaled_part(at, weight_scale(at));
}
