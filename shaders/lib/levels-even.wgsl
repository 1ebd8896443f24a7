// The integers that the nibbles of a word encode, its lower four and its upper four: nibbles less 8. For unevenly
// spaced ones levels-curve.wgsl has the same names. A nibble is masked in place and multiplied down, which is exact:
// SwiftShader shifts lane by lane, at the cost of ten products. The top nibble reads as a signed number once its
// highest bit is flipped.

fn low_levels(word: u32) -> vec4f {
  let nibbles = vec4i(vec4u(word) & vec4u(0xfu, 0xf0u, 0xf00u, 0xf000u));
  return vec4f(nibbles) * vec4f(0x1p0, 0x1p-4, 0x1p-8, 0x1p-12) - 8.0;
}

fn high_levels(word: u32) -> vec4f {
  let nibbles = vec4i(vec4u(word ^ 0x80000000u) & vec4u(0xf0000u, 0xf00000u, 0xf000000u, 0xf0000000u));
  return vec4f(nibbles) * vec4f(0x1p-16, 0x1p-20, 0x1p-24, 0x1p-28) - vec4f(8.0, 8.0, 8.0, 0.0);
}
