// Turns stored weights into f32: y[yOffset + i] = the i-th value of the packed words. SOURCE_BITS 32 with FRACTION_BITS
// 23 is F32, 16 with 10 is F16, 16 with 7 is BF16. Counts values that are not finite.
// Integer arithmetic throughout: a device may flush f16 subnormals and may assume that there are no NaNs.

const ROUNDS = 16u; // weight-unpack.ts has the same number

struct Params {
  elements: u32,
  yOffset: u32,
  counter: u32,
  add: f32, // to every value; 0 leaves all bits
}

@group(0) @binding(0) var<storage, read> packed: array<u32>; // [ceil(elements * SOURCE_BITS / 32)]
@group(0) @binding(1) var<storage, read_write> y: array<u32>; // bits of f32, [yOffset + elements] at least
@group(0) @binding(2) var<storage, read_write> notFinite: array<atomic<u32>>; // [tensors], one counter each
@group(0) @binding(3) var<uniform> params: Params;

fn f32_bits_of_f16(bits: u32) -> u32 {
  let sign = (bits & 0x8000u) << 16u;
  let exponent = (bits >> 10u) & 0x1fu;
  let fraction = bits & 0x3ffu;
  if (exponent == 0x1fu) {
    return sign | 0x7f800000u | (fraction << 13u);
  }
  if (exponent != 0u) {
    return sign | ((exponent + 112u) << 23u) | (fraction << 13u);
  }
  if (fraction == 0u) {
    return sign;
  }
  // Subnormal: fraction * 2^-24. The leading one moves to the hidden bit.
  let shift = countLeadingZeros(fraction) - 21u;
  return sign | ((113u - shift) << 23u) | (((fraction << shift) & 0x3ffu) << 13u);
}

fn unpack(i: u32) {
  var bits: u32;
  if (SOURCE_BITS == 32u) {
    bits = packed[i];
  } else {
    let half = (packed[i / 2u] >> (16u * (i % 2u))) & 0xffffu;
    bits = select(half << 16u, f32_bits_of_f16(half), FRACTION_BITS == 10u);
  }
  if ((bits & 0x7f800000u) == 0x7f800000u) {
    atomicAdd(&notFinite[params.counter], 1u);
  }
  y[params.yOffset + i] = select(bits, bitcast<u32>(bitcast<f32>(bits) + params.add), params.add != 0.0);
}

// A workgroup has a run of values, neighbouring invocations neighbouring ones. A workgroup costs a software adapter as
// much as hundreds of values. A million f16 values took SwiftShader 0.27 s this way, 0.65 s with one value an
// invocation.
@compute @workgroup_size(64)
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let first = (group.x + group.y * groups.x) * 64u * ROUNDS + lane;
  for (var round = 0u; round < ROUNDS; round++) {
    let i = first + 64u * round;
    if (i < params.elements) {
      unpack(i);
    }
  }
}
