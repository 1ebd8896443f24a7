// Two numbers as f16 in a word. What f16 cannot hold becomes its largest number; NaN and infinities become NaN, so that
// damaged weights still show in the logits.

const LARGEST_HALF = 65504.0;
const EXPONENT = 0x7f800000u; // of an f32, all ones for NaN and infinities
const HALF_NAN = 0x7e00u;

fn half_pair(values: vec2f) -> u32 {
  let word = pack2x16float(clamp(values, vec2f(-LARGEST_HALF), vec2f(LARGEST_HALF)));
  let lost = (bitcast<vec2u>(values) & vec2u(EXPONENT)) == vec2u(EXPONENT);
  return word | select(0u, HALF_NAN, lost.x) | select(0u, HALF_NAN << 16u, lost.y);
}
