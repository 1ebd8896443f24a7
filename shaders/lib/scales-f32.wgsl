// The scale of a group in f32; same names and needs as scales-f16.wgsl.

const PAIRED = 0u;

fn group_scale(group: u32) -> vec2f {
  return vec2f(bitcast<f32>(weight_word(params.scales + group)), 0.0);
}
