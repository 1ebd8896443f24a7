// Queries, keys and values of one row, W x + b, turned by the angles of its position (rotate-half: component d pairs with
// d + D/2, or in the channels that turn as rope.wgsl does): matvec and rope in one dispatch. Each group of four rows of W yields two such pairs.
// Needs lib/axis-*, lib/cache-store-*, lib/row-product and its needs.

const OUTPUTS = 2u; // pairs of a group of four rows

struct Params {
  cols: u32, // (H + 2 Hk) D / 2 pairs
  inner: u32, // K in chunks
  scales: u32, // of packed weights, see lib/chunk-*
  hasBias: u32,
  width: u32, // K
  eps: f32, // of the norm
  heads: u32, // H
  keyHeads: u32, // Hk
  half: u32, // D / 2
  cacheRow: u32,
  halfTurned: u32, // half of the channels of a head that turn
  tablePitch: u32, // values from a position of the table to the next
}

@group(0) @binding(0) var<storage, read> x: array<Part>; // [1, K]
@group(0) @binding(1) var<storage, read> weight: array<Stored>; // [(H + 2 Hk) D, K]
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [(H + 2 Hk) D], or anything without hasBias
@group(0) @binding(3) var<storage, read> norm: array<Part>; // [K], or anything without NORMED
@group(0) @binding(4) var<storage, read> positions: array<u32>; // [axes, 1]
@group(0) @binding(5) var<storage, read> table: array<f32>; // [P, turned channels, or 4 more], cosines then sines
@group(0) @binding(6) var<storage, read_write> q: array<f32>; // [1, H D]
@group(0) @binding(7) var<storage, read_write> cache: array<CacheWord>; // [C, 2 Hk D], keys then values; row cacheRow is written
@group(0) @binding(8) var<uniform> params: Params;

// Row of W that is the lower component of a pair.
fn low_row(pair: u32) -> u32 {
  let in_head = pair % params.half;
  return 2u * (pair - in_head) + in_head + select(params.halfTurned, 0u, in_head < params.halfTurned);
}

// Rows from the lower component of a pair to the higher one.
fn pair_step(pair: u32) -> u32 {
  return select(params.half - params.halfTurned, params.halfTurned, pair % params.half < params.halfTurned);
}

// The rows of two pairs, lower components first; pairs beyond the last repeat it.
fn weight_rows(first: u32) -> vec4u {
  let pairs = min(vec2u(first, first + 1u), vec2u(params.cols - 1u));
  let low = vec2u(low_row(pairs.x), low_row(pairs.y));
  return vec4u(low, low + vec2u(pair_step(pairs.x), pair_step(pairs.y)));
}

// The lower and the higher component of a pair.
fn turned_pair(pair: u32, products: vec4f, output: u32) -> vec2f {
  let row = low_row(pair);
  var low = products[output];
  var high = products[output + 2u];
  if (params.hasBias != 0u) {
    low += bias[row];
    high += bias[row + pair_step(pair)];
  }
  let queries = 2u * params.half * params.heads;
  let keys = 2u * params.half * params.keyHeads;
  let turn = pair % params.half; // number of the pair in its head
  if (row < queries + keys && turn < params.halfTurned) {
    let angle = positions[axis_of_pair(turn)] * params.tablePitch + turn;
    let cosine = table[angle];
    let sine = table[angle + params.halfTurned];
    let turned = low * cosine - high * sine;
    high = high * cosine + low * sine;
    low = turned;
  }
  if (row < queries && params.tablePitch > 2u * params.halfTurned) { // queries grow, see rope.wgsl
    let growth = table[positions[0] * params.tablePitch + 2u * params.halfTurned];
    low *= growth;
    high *= growth;
  }
  return vec2f(low, high);
}

fn finish(pair: u32, products: vec4f, output: u32) {
  let row = low_row(pair);
  let step = pair_step(pair);
  let queries = 2u * params.half * params.heads;
  if (row < queries) {
    let values = turned_pair(pair, products, output);
    q[row] = values.x;
    q[row + step] = values.y;
  } else {
    store_turned(4u * params.half * params.keyHeads * params.cacheRow + row - queries, step, pair, products, output);
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(input: TeamInput, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  row_products(input, group.x + group.y * groups.x);
}
