// Packs weights: values x as halves (BITS 16), or as groups of 32 integers of BITS 8 or 4 under a scale each, into y from
// element `offset` on. y must be zero there. Counts what is too large for its format. lib/weight-* reads what this writes.
// An invocation packs 32 values.
// Needs BITS.

const GROUP = 32u;
const LARGEST_HALF = 65504.0;
const SCALE_UNITS = 256.0;
const WORD_ELEMENTS = 32u / BITS;

struct Params {
  elements: u32, // a multiple of 8, of GROUP for BITS below 16
  offset: u32, // likewise
  scales: u32, // word of y at which the scales begin
  counter: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [elements]
@group(0) @binding(1) var<storage, read_write> y: array<atomic<u32>>; // words of the packed matrix: [values, scales]
@group(0) @binding(2) var<storage, read_write> too_large: array<atomic<u32>>; // [tensors], one counter each
@group(0) @binding(3) var<uniform> params: Params;

fn pack_halves(first: u32) {
  let end = min(first + GROUP, params.elements);
  for (var i = first; i < end; i += 2u) {
    let pair = vec2f(x[i], x[i + 1u]);
    if (any(abs(pair) > vec2f(LARGEST_HALF))) {
      atomicAdd(&too_large[params.counter], 1u);
    }
    atomicStore(&y[(params.offset + i) / 2u], pack2x16float(clamp(pair, vec2f(-LARGEST_HALF), vec2f(LARGEST_HALF))));
  }
}

fn half_of_scale(scale: f32) -> u32 {
  return pack2x16float(vec2f(clamp(scale * SCALE_UNITS, -LARGEST_HALF, LARGEST_HALF), 0.0)) & 0xffffu;
}

// The scale as it will be read.
fn stored_scale(scale: f32) -> f32 {
  return unpack2x16float(half_of_scale(scale)).x / SCALE_UNITS;
}

fn inverse_of(scale: f32) -> f32 {
  return select(0.0, 1.0 / scale, scale != 0.0);
}

fn level(value: f32, inverse: f32) -> f32 {
  return clamp(round(value * inverse), select(-127.0, -8.0, BITS == 4u), select(127.0, 7.0, BITS == 4u));
}

// 8 bits: the largest value is 127 steps. 4 bits: levels are -8 to 7, so the largest value, with its sign, is near -8 of
// them; of nine scales around that the one of least squared error. Squared error over all weights of two checkpoints
// (stories260K, ViT-Tiny), in thousandths: -7 to 7 symmetric 9.7 and 10.6; the largest at exactly -8 7.2 and 8.3; nine
// scales 6.5 and 7.5 (taken), 33 scales 6.4 and 7.4; smallest value and step (half a bit more a weight) 6.7 and 6.6.
fn choose_scale(first: u32, largest: f32) -> f32 {
  if (BITS == 8u) {
    return stored_scale(largest / 127.0);
  }
  var best = 0.0;
  var least = 3.0e38;
  for (var step = 0u; step <= 8u; step++) {
    let scale = stored_scale(largest / -(6.5 + 0.375 * f32(step)));
    let inverse = inverse_of(scale);
    var error = 0.0;
    for (var i = first; i < first + GROUP; i++) {
      let difference = level(x[i], inverse) * scale - x[i];
      error += difference * difference;
    }
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

fn pack_group(first: u32) {
  var largest = 0.0; // with its sign
  for (var i = first; i < first + GROUP; i++) {
    largest = select(largest, x[i], abs(x[i]) > abs(largest));
  }
  if (abs(largest) > LARGEST_HALF / SCALE_UNITS * select(127.0, 6.5, BITS == 4u)) {
    atomicAdd(&too_large[params.counter], 1u);
  }
  let scale = choose_scale(first, largest);
  let inverse = inverse_of(scale);
  for (var i = first; i < first + GROUP; i += WORD_ELEMENTS) {
    var word = 0u;
    for (var e = 0u; e < WORD_ELEMENTS; e++) {
      let signed = i32(level(x[i + e], inverse)) + select(0, 8, BITS == 4u);
      word = insertBits(word, bitcast<u32>(signed), BITS * e, BITS);
    }
    atomicStore(&y[(params.offset + i) / WORD_ELEMENTS], word);
  }
  let group = (params.offset + first) / GROUP;
  atomicOr(&y[params.scales + group / 2u], half_of_scale(scale) << (16u * (group % 2u)));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = (id.x + id.y * groups.x * 64u) * GROUP;
  if (first >= params.elements) {
    return;
  }
  if (BITS == 16u) {
    pack_halves(first);
  } else {
    pack_group(first);
  }
}
