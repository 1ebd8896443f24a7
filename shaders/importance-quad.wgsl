// The same as importance.wgsl for views without a class token, on software adapters, where a load costs as much as tens
// of products. A workgroup is one quad: each invocation has 8 of 32 keys, and all multiply the same 16 queries of a
// head.
// Needs subgroups, lib/part-*, lib/quad-products and HEAD_PARTS.

const QUERIES = 16u;
const LANE_KEYS = 8u;
const KEYS = 4u * LANE_KEYS; // at least groupCells
const NEVER = 1e30; // as a log-sum-exp it makes every weight 0

struct Params {
  queries: u32, // of a view: all its rows
  cells: u32, // N, of a view
  seats: u32, // S
  heads: u32,
  groupCells: u32,
  qStride: u32, // strides and offsets are in Parts
  qOffset: u32,
  kStride: u32,
  kOffset: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<Part>; // [B * N * S, H, D] strided
@group(0) @binding(1) var<storage, read> k: array<Part>; // [B * N * S, H, D] strided
@group(0) @binding(2) var<storage, read> logSumExp: array<f32>; // [B * N * S, H]
@group(0) @binding(3) var<storage, read_write> scores: array<f32>; // [B, N]
@group(0) @binding(4) var<uniform> params: Params;

// The weights of a quad's four queries, summed. logits: [query, key]; exponent: the log-sum-exp of this invocation's query.
fn weights(logits: mat4x4f, exponent: f32) -> vec4f {
  return exp(logits[0] * params.scale - quadBroadcast(exponent, 0u)) +
    exp(logits[1] * params.scale - quadBroadcast(exponent, 1u)) +
    exp(logits[2] * params.scale - quadBroadcast(exponent, 2u)) +
    exp(logits[3] * params.scale - quadBroadcast(exponent, 3u));
}

// The weights that this invocation's keys, from `key` on, receive from all queries of a head. Rows past `last` repeat it.
fn received(head: u32, key: u32, last: u32, view_row: u32, lane: u32) -> array<vec4f, 2> {
  let in_row = head * HEAD_PARTS;
  let k_start = params.kOffset + view_row * params.kStride + in_row;
  let k0 = k_start + min(key, last) * params.kStride;
  let k1 = k_start + min(key + 1u, last) * params.kStride;
  let k2 = k_start + min(key + 2u, last) * params.kStride;
  let k3 = k_start + min(key + 3u, last) * params.kStride;
  let k4 = k_start + min(key + 4u, last) * params.kStride;
  let k5 = k_start + min(key + 5u, last) * params.kStride;
  let k6 = k_start + min(key + 6u, last) * params.kStride;
  let k7 = k_start + min(key + 7u, last) * params.kStride;
  let q_start = params.qOffset + view_row * params.qStride + in_row;
  let last_query = params.queries - 1u;
  var sums = array<vec4f, 2>();
  for (var query = 0u; query < params.queries; query += QUERIES) {
    let own = query + lane + vec4u(0u, 4u, 8u, 12u);
    let past = own > vec4u(last_query);
    let rows = min(own, vec4u(last_query));
    let starts = q_start + rows * params.qStride;
    var left0 = mat4x4f();
    var left1 = mat4x4f();
    var left2 = mat4x4f();
    var left3 = mat4x4f();
    var right0 = mat4x4f();
    var right1 = mat4x4f();
    var right2 = mat4x4f();
    var right3 = mat4x4f();
    for (var part = 0u; part < HEAD_PARTS; part++) {
      let left = PartBlock(k[k0 + part], k[k1 + part], k[k2 + part], k[k3 + part]);
      let right = PartBlock(k[k4 + part], k[k5 + part], k[k6 + part], k[k7 + part]);
      let part0 = q[starts.x + part];
      left0 += products(part0, left);
      right0 += products(part0, right);
      let part1 = q[starts.y + part];
      left1 += products(part1, left);
      right1 += products(part1, right);
      let part2 = q[starts.z + part];
      left2 += products(part2, left);
      right2 += products(part2, right);
      let part3 = q[starts.w + part];
      left3 += products(part3, left);
      right3 += products(part3, right);
    }
    let at = (view_row + rows) * params.heads + head;
    let kept = vec4f(logSumExp[at.x], logSumExp[at.y], logSumExp[at.z], logSumExp[at.w]);
    let exponents = select(kept, vec4f(NEVER), past);
    sums[0] += weights(left0, exponents.x) + weights(left1, exponents.y) +
      weights(left2, exponents.z) + weights(left3, exponents.w);
    sums[1] += weights(right0, exponents.x) + weights(right1, exponents.y) +
      weights(right2, exponents.z) + weights(right3, exponents.w);
  }
  return sums;
}

@compute @workgroup_size(4)
fn main(@builtin(subgroup_invocation_id) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let view_row = group.y * params.queries;
  let first_cell = group.x * params.groupCells;
  let count = min(params.groupCells, params.cells - first_cell);
  let first_key = first_cell * params.seats;
  let keys = count * params.seats;
  var of_cell = array<f32, KEYS>();
  for (var key = 0u; key < keys; key += KEYS) {
    var sums = array<vec4f, 2>();
    for (var head = 0u; head < params.heads; head++) {
      let ours = received(head, first_key + key + lane * LANE_KEYS, first_key + keys - 1u, view_row, lane);
      sums[0] += ours[0];
      sums[1] += ours[1];
    }
    for (var i = 0u; i < LANE_KEYS; i++) {
      let value = sums[i / 4u][i % 4u];
      let of_lanes =
        vec4f(quadBroadcast(value, 0u), quadBroadcast(value, 1u), quadBroadcast(value, 2u), quadBroadcast(value, 3u));
      for (var other = 0u; other < 4u; other++) {
        let at = key + other * LANE_KEYS + i;
        if (at < keys) {
          of_cell[at / params.seats] += of_lanes[other];
        }
      }
    }
  }
  if (lane == 0u) {
    for (var cell = 0u; cell < count; cell++) {
      scores[group.y * params.cells + first_cell + cell] = of_cell[cell] / f32(params.queries * params.heads);
    }
  }
}
