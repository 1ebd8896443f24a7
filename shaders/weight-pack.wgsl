// Packs weights: values x as f16 (BITS 16), or as groups of 32 integers of BITS 8 or 4 under a scale each, into y from
// element `offset` on. y must be zero there. Counts what is too large for its format. lib/weight-* reads what this
// writes. An invocation packs 32 values.
// Needs BITS.

const GROUP = 32u;
const LARGEST_F16 = 65504.0;
const SCALE_UNITS = 256.0;

// Values that share a scale, in their order.
struct Group {
  a: vec4f,
  b: vec4f,
  c: vec4f,
  d: vec4f,
  e: vec4f,
  f: vec4f,
  g: vec4f,
  h: vec4f,
}

struct Params {
  elements: u32, // a multiple of 8, of GROUP for BITS below 16
  offset: u32, // likewise
  scales: u32, // word of y at which the scales begin
  counter: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [elements]
@group(0) @binding(1) var<storage, read_write> y: array<atomic<u32>>; // words of the packed matrix: [values, scales]
@group(0) @binding(2) var<storage, read_write> tooLarge: array<atomic<u32>>; // [tensors], one counter each
@group(0) @binding(3) var<uniform> params: Params;

fn pack_f16(first: u32) {
  let end = min(first + GROUP, params.elements);
  for (var i = first; i < end; i += 4u) {
    let four = x[i / 4u];
    if (any(abs(four) > vec4f(LARGEST_F16))) {
      atomicAdd(&tooLarge[params.counter], 1u);
    }
    let kept = clamp(four, vec4f(-LARGEST_F16), vec4f(LARGEST_F16));
    atomicStore(&y[(params.offset + i) / 2u], pack2x16float(kept.xy));
    atomicStore(&y[(params.offset + i) / 2u + 1u], pack2x16float(kept.zw));
  }
}

fn half_of_scale(scale: f32) -> u32 {
  return pack2x16float(vec2f(clamp(scale * SCALE_UNITS, -LARGEST_F16, LARGEST_F16), 0.0)) & 0xffffu;
}

// The scale as it will be read.
fn stored_scale(scale: f32) -> f32 {
  return unpack2x16float(half_of_scale(scale)).x / SCALE_UNITS;
}

fn inverse_of(scale: f32) -> f32 {
  return select(0.0, 1.0 / scale, scale != 0.0);
}

fn levels(values: vec4f, inverse: f32) -> vec4f {
  let lowest = select(-127.0, -8.0, BITS == 4u);
  return clamp(round(values * inverse), vec4f(lowest), vec4f(select(127.0, 7.0, BITS == 4u)));
}

// 8 bits: the largest value is 127 steps. 4 bits: levels are -8 to 7, so the largest value, with its sign, is near -8
// of them; of nine scales around that the one of least squared error. Squared error over all weights of two checkpoints
// (stories260K, ViT-Tiny), in thousandths: -7 to 7 symmetric 9.7 and 10.6; the largest at exactly -8 7.2 and 8.3; nine
// scales 6.5 and 7.5 (taken), 33 scales 6.4 and 7.4; smallest value and step (half a bit more a weight) 6.7 and 6.6.
// The group is passed in variables: an indexed array is kept in memory, and this is read nine times. A million values
// took SwiftShader 0.36 s this way, 1.8 s from the array in place, 1.3 s from a copy of it.
fn choose_scale(group: Group, largest: f32) -> f32 {
  if (BITS == 8u) {
    return stored_scale(largest / 127.0);
  }
  var best = 0.0;
  var least = 3.0e38;
  for (var step = 0u; step <= 8u; step++) {
    let scale = stored_scale(largest / -(6.5 + 0.375 * f32(step)));
    let inverse = inverse_of(scale);
    let error = squared_error(group.a, scale, inverse) + squared_error(group.b, scale, inverse)
      + squared_error(group.c, scale, inverse) + squared_error(group.d, scale, inverse)
      + squared_error(group.e, scale, inverse) + squared_error(group.f, scale, inverse)
      + squared_error(group.g, scale, inverse) + squared_error(group.h, scale, inverse);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

fn squared_error(values: vec4f, scale: f32, inverse: f32) -> f32 {
  let difference = levels(values, inverse) * scale - values;
  return dot(difference, difference);
}

// Component by component, the value further from 0, with its sign.
fn further(a: vec4f, b: vec4f) -> vec4f {
  return select(a, b, abs(b) > abs(a));
}

// Four levels as bytes of a word, the first one lowest.
fn bytes_of(values: vec4f, inverse: f32) -> u32 {
  let bytes = (bitcast<vec4u>(vec4i(levels(values, inverse))) & vec4u(0xffu)) << vec4u(0u, 8u, 16u, 24u);
  return bytes.x | bytes.y | bytes.z | bytes.w;
}

// Eight levels from 0 on, four bits each.
fn nibbles_of(low: vec4f, high: vec4f, inverse: f32) -> u32 {
  let nibbles = (vec4u(levels(low, inverse) + 8.0) << vec4u(0u, 4u, 8u, 12u))
    | (vec4u(levels(high, inverse) + 8.0) << vec4u(16u, 20u, 24u, 28u));
  return nibbles.x | nibbles.y | nibbles.z | nibbles.w;
}

fn pack_group(first: u32) {
  let start = first / 4u;
  let group = Group(x[start], x[start + 1u], x[start + 2u], x[start + 3u], x[start + 4u], x[start + 5u], x[start + 6u], x[start + 7u]);
  let furthest = further(
    further(further(group.a, group.b), further(group.c, group.d)),
    further(further(group.e, group.f), further(group.g, group.h)),
  );
  let pair = further(furthest, furthest.zwxy);
  let largest = further(pair, pair.yxwz).x;
  if (abs(largest) > LARGEST_F16 / SCALE_UNITS * select(127.0, 6.5, BITS == 4u)) {
    atomicAdd(&tooLarge[params.counter], 1u);
  }
  let scale = choose_scale(group, largest);
  let inverse = inverse_of(scale);
  let to = (params.offset + first) / (32u / BITS);
  if (BITS == 8u) {
    atomicStore(&y[to], bytes_of(group.a, inverse));
    atomicStore(&y[to + 1u], bytes_of(group.b, inverse));
    atomicStore(&y[to + 2u], bytes_of(group.c, inverse));
    atomicStore(&y[to + 3u], bytes_of(group.d, inverse));
    atomicStore(&y[to + 4u], bytes_of(group.e, inverse));
    atomicStore(&y[to + 5u], bytes_of(group.f, inverse));
    atomicStore(&y[to + 6u], bytes_of(group.g, inverse));
    atomicStore(&y[to + 7u], bytes_of(group.h, inverse));
  } else {
    atomicStore(&y[to], nibbles_of(group.a, group.b, inverse));
    atomicStore(&y[to + 1u], nibbles_of(group.c, group.d, inverse));
    atomicStore(&y[to + 2u], nibbles_of(group.e, group.f, inverse));
    atomicStore(&y[to + 3u], nibbles_of(group.g, group.h, inverse));
  }
  let at = (params.offset + first) / GROUP;
  atomicOr(&y[params.scales + at / 2u], half_of_scale(scale) << (16u * (at % 2u)));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = (id.x + id.y * groups.x * 64u) * GROUP;
  if (first >= params.elements) {
    return;
  }
  if (BITS == 16u) {
    pack_f16(first);
  } else {
    pack_group(first);
  }
}
