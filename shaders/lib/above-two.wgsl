// The values that the fifth and sixth bits of four integers add to their nibbles less 8. The pairs of bits are at MASKS
// times a power of 2. Same names as above-one.wgsl.

const MASKS = vec4u(3u, 12u, 48u, 192u);
const UNITS = vec4f(16.0, 4.0, 1.0, 0.25);

fn above(bits: u32, masks: vec4u, units: vec4f) -> vec4f {
  return vec4f(vec4i(vec4u(bits) & masks)) * units - 24.0;
}
