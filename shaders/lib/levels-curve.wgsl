// The unevenly spaced integers that the nibbles of a word encode: a rounded polynomial of the nibble less 7.5. CURVE_*
// are the bits of its coefficients. levels-even.wgsl has the same names and explains how nibbles are extracted.

fn curve_of(t: vec4f) -> vec4f {
  let upper = (bitcast<f32>(CURVE_4) * t + bitcast<f32>(CURVE_3)) * t + bitcast<f32>(CURVE_2);
  return round((upper * t + bitcast<f32>(CURVE_1)) * t + bitcast<f32>(CURVE_0));
}

fn low_levels(word: u32) -> vec4f {
  let nibbles = vec4i(vec4u(word) & vec4u(0xfu, 0xf0u, 0xf00u, 0xf000u));
  return curve_of(vec4f(nibbles) * vec4f(0x1p0, 0x1p-4, 0x1p-8, 0x1p-12) - 7.5);
}

fn high_levels(word: u32) -> vec4f {
  let nibbles = vec4i(vec4u(word ^ 0x80000000u) & vec4u(0xf0000u, 0xf00000u, 0xf000000u, 0xf0000000u));
  return curve_of(vec4f(nibbles) * vec4f(0x1p-16, 0x1p-20, 0x1p-24, 0x1p-28) - vec4f(7.5, 7.5, 7.5, -0.5));
}
