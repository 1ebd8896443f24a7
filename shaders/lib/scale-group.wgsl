// Scales of packed weights, of groups of 4 << GROUP_SHIFT neighbours. A kernel that reads a row in order keeps the
// scale, because loads are expensive on software adapters: `weight_scale(at)` holds for SCALE_PARTS Parts from a
// multiple of SCALE_PARTS on, and `scaled_part(at, scale)` is a Part. For weights without scales scale-none.wgsl has
// the same names.
// Needs `integer_part` of lib/weight-q*, lib/scales-* and GROUP_SHIFT.

const SCALE_PARTS = 1u << GROUP_SHIFT;

fn weight_scale(at: u32) -> vec2f {
  return group_scale(at >> GROUP_SHIFT);
}

fn scaled_part(at: u32, scale: vec2f) -> Part {
  let scaled = integer_part(at) * scale.x;
  if (PAIRED == 1u) {
    return scaled + scale.y;
  }
  return scaled;
}

fn weight_part(at: u32) -> Part {
  return scaled_part(at, weight_scale(at));
}
