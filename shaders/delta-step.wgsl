// One row of the gated delta rule (Yang et al. 2024, Gated DeltaNet), for each value head with its state S [KEY_WIDTH, dv]:
// S *= exp(g); d = beta * (v - S^T k); S += k d^T; y = S^T q. Keys and queries are divided by their lengths first.
// One workgroup a head and 16 columns of S, which do not depend on each other; four slices of its rows run side by side. Both
// products come from one pass over the old state: (S + k d^T)^T q = S^T q + (k . q) d.
// Needs lib/delta-gates, lib/reduce with WORKGROUP_SIZE 64, and KEY_WIDTH.

struct Params {
  keyHeads: u32, // Hk
  valueHeads: u32, // Hv
  neighbours: u32, // value heads in a row that share a key head
  valueWidth: u32, // dv
  queryFactor: f32, // on queries of length 1
  hasState: u32, // 0: S is zero
  stateFrom: u32, // first element of the old state
  stateTo: u32, // and of the new one
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>; // [Hk dk | Hk dk | Hv dv]
@group(0) @binding(1) var<storage, read> gates: array<f32>; // [2 Hv]: b, then a
@group(0) @binding(2) var<storage, read> rate: array<f32>; // [Hv]
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [Hv]
@group(0) @binding(4) var<storage, read_write> state: array<f32>; // [Hv, dk, dv] at stateFrom and stateTo
@group(0) @binding(5) var<storage, read_write> y: array<f32>; // [Hv dv]
@group(0) @binding(6) var<uniform> params: Params;

const COLUMNS = 16u;
const SLICES = WORKGROUP_SIZE / COLUMNS;
const EPS = 1e-6;

var<workgroup> key: array<f32, KEY_WIDTH>;
var<workgroup> query: array<f32, KEY_WIDTH>;
var<workgroup> products: array<vec2f, WORKGROUP_SIZE>; // of k and of q, a slice each

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u) {
  let head = group.y;
  let column = group.x * COLUMNS + lane.index % COLUMNS;
  let slice = lane.index / COLUMNS;
  let key_head = head / params.neighbours % params.keyHeads;
  let keys = params.keyHeads * KEY_WIDTH;
  var squares = vec3f(0.0); // k k, q q, k q
  for (var i = lane.index; i < KEY_WIDTH; i += WORKGROUP_SIZE) {
    let q = qkv[key_head * KEY_WIDTH + i];
    let k = qkv[keys + key_head * KEY_WIDTH + i];
    query[i] = q;
    key[i] = k;
    squares += vec3f(k * k, q * q, k * q);
  }
  // The barriers in these sums also cover the writes of `key` and `query`.
  let key_scale = inverseSqrt(workgroup_sum(squares.x, lane) + EPS);
  let query_scale = inverseSqrt(workgroup_sum(squares.y, lane) + EPS) * params.queryFactor;
  let overlap = workgroup_sum(squares.z, lane);

  let is_column = column < params.valueWidth;
  let start = head * KEY_WIDTH * params.valueWidth + column;
  let kept = exp(log_decay(gates[params.valueHeads + head], bias[head], rate[head]));
  var sums = vec2f(0.0);
  if (is_column && params.hasState != 0u) {
    for (var i = slice; i < KEY_WIDTH; i += SLICES) {
      sums += state[params.stateFrom + start + i * params.valueWidth] * vec2f(key[i], query[i]);
    }
  }
  products[lane.index] = sums;
  workgroupBarrier();
  sums = vec2f(0.0);
  for (var i = 0u; i < SLICES; i++) {
    sums += products[i * COLUMNS + lane.index % COLUMNS];
  }
  if (!is_column) {
    return;
  }
  sums *= kept;
  let value = qkv[2u * keys + head * params.valueWidth + column];
  let delta = write_gate(gates[head]) * (value - key_scale * sums.x);
  if (slice == 0u) {
    y[head * params.valueWidth + column] = query_scale * (sums.y + key_scale * overlap * delta);
  }
  for (var i = slice; i < KEY_WIDTH; i += SLICES) {
    let at = start + i * params.valueWidth;
    var before = 0.0;
    if (params.hasState != 0u) {
      before = kept * state[params.stateFrom + at];
    }
    state[params.stateTo + at] = before + key_scale * key[i] * delta;
  }
}
