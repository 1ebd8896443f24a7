// scores[b, n] = the importance of cell n of view b, the sum over its seats. Of a seat it is the mean of softmax(q k^T
// * scale)[query, seat's row] over the heads and the first `queries` rows of the view. With a class token there is one
// query, its row. Without one all rows of the view are queries, so a score is the attention that a cell receives. The
// weights are recomputed from the attention kernel's log-sum-exp, so the matrix of weights is never stored.
// One workgroup for `groupCells` cells. Each invocation multiplies tiles of QUERIES rows by KEYS rows of a head.
// Needs lib/part-*, lib/reduce*, WORKGROUP_SIZE and HEAD_PARTS.

const QUERIES = 4u;
const KEYS = 8u; // at least groupCells

struct Params {
  queries: u32, // of a view
  cells: u32, // N, of a view
  seats: u32, // S
  heads: u32,
  groupCells: u32,
  first: u32, // rows of a view before its cells: 1 with a class token
  qStride: u32, // strides and offsets are in Parts
  qOffset: u32,
  kStride: u32,
  kOffset: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<Part>; // [B * (first + N * S), H, D] strided
@group(0) @binding(1) var<storage, read> k: array<Part>; // [B * (first + N * S), H, D] strided
@group(0) @binding(2) var<storage, read> logSumExp: array<f32>; // [B * (first + N * S), H]
@group(0) @binding(3) var<storage, read_write> scores: array<f32>; // [B, N]
@group(0) @binding(4) var<uniform> params: Params;

// The weights that the KEYS rows from `key` on receive from this invocation's queries. Rows past `last_key` repeat it.
fn received(key: u32, last_key: u32, view_row: u32, lane: u32) -> array<vec4f, 2> {
  let k_start = params.kOffset + (view_row + params.first) * params.kStride;
  let k0 = k_start + min(key, last_key) * params.kStride;
  let k1 = k_start + min(key + 1u, last_key) * params.kStride;
  let k2 = k_start + min(key + 2u, last_key) * params.kStride;
  let k3 = k_start + min(key + 3u, last_key) * params.kStride;
  let k4 = k_start + min(key + 4u, last_key) * params.kStride;
  let k5 = k_start + min(key + 5u, last_key) * params.kStride;
  let k6 = k_start + min(key + 6u, last_key) * params.kStride;
  let k7 = k_start + min(key + 7u, last_key) * params.kStride;
  let last_query = params.queries - 1u;
  let tiles = (params.queries + QUERIES - 1u) / QUERIES * params.heads;
  var sums = array<vec4f, 2>();
  for (var tile = lane; tile < tiles; tile += WORKGROUP_SIZE) {
    let head = tile % params.heads;
    let query = tile / params.heads * QUERIES;
    let in_row = head * HEAD_PARTS;
    let q_start = params.qOffset + view_row * params.qStride + in_row;
    let q0 = q_start + query * params.qStride;
    let q1 = q_start + min(query + 1u, last_query) * params.qStride;
    let q2 = q_start + min(query + 2u, last_query) * params.qStride;
    let q3 = q_start + min(query + 3u, last_query) * params.qStride;
    var left = mat4x4f(); // [query, key]
    var right = mat4x4f();
    for (var part = 0u; part < HEAD_PARTS; part++) {
      let at = in_row + part;
      let a = PartBlock(k[k0 + at], k[k1 + at], k[k2 + at], k[k3 + at]);
      let b = PartBlock(k[k4 + at], k[k5 + at], k[k6 + at], k[k7 + at]);
      let part0 = q[q0 + part];
      let part1 = q[q1 + part];
      let part2 = q[q2 + part];
      let part3 = q[q3 + part];
      left += mat4x4f(part0 * a, part1 * a, part2 * a, part3 * a);
      right += mat4x4f(part0 * b, part1 * b, part2 * b, part3 * b);
    }
    for (var i = 0u; i < min(QUERIES, params.queries - query); i++) {
      let log_sum_exp = logSumExp[(view_row + query + i) * params.heads + head];
      sums[0] += exp(left[i] * params.scale - log_sum_exp);
      sums[1] += exp(right[i] * params.scale - log_sum_exp);
    }
  }
  return sums;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u) {
  let view_row = group.y * (params.first + params.cells * params.seats);
  let first_cell = group.x * params.groupCells;
  let count = min(params.groupCells, params.cells - first_cell);
  let first_key = first_cell * params.seats;
  let keys = count * params.seats;
  var of_cell = array<f32, KEYS>();
  for (var key = 0u; key < keys; key += KEYS) {
    var sums = received(first_key + key, first_key + keys - 1u, view_row, lane.index);
    for (var i = 0u; i < min(KEYS, keys - key); i++) {
      of_cell[(key + i) / params.seats] += sums[i / 4u][i % 4u];
    }
  }
  for (var cell = 0u; cell < count; cell++) {
    let total = workgroup_sum(of_cell[cell], lane);
    if (lane.index == 0u) {
      scores[group.y * params.cells + first_cell + cell] = total / f32(params.queries * params.heads);
    }
  }
}
