// Scale and bias of a group in f32; same names and needs as scales-f16.wgsl.

const PAIRED = 1u;

fn group_scale(group: u32) -> vec2f {
  let at = params.scales + 2u * group;
  return bitcast<vec2f>(vec2u(weight_word(at), weight_word(at + 1u)));
}
