// The values that the fifth bits of four integers add to their nibbles less 8. The bits are at MASKS times a power of
// 2. They are masked and multiplied down, as in levels-even.wgsl. above-two.wgsl handles fifth and sixth bits.

const MASKS = vec4u(1u, 2u, 4u, 8u);
const UNITS = vec4f(16.0, 8.0, 4.0, 2.0);

fn above(bits: u32, masks: vec4u, units: vec4f) -> vec4f {
  return vec4f(vec4i(vec4u(bits) & masks)) * units - 8.0;
}
