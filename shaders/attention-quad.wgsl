// The same as attention.wgsl without workgroup memory, for software adapters. A barrier costs more there than the loads
// it saves, and a load costs as much as tens of products. A workgroup is one quad on 16 rows. Each invocation has 8
// keys of a block, and the Parts lane, lane + 4, ... of the output.
// Needs subgroups, lib/part-*, lib/cached-*, lib/key-part, lib/value-part, lib/soft-cap, lib/quad-products,
// lib/key-ranges, lib/log-sum-exp-*, HEAD_PARTS and LOG_SUM_EXP.

const ROWS = 16u;
const LANE_KEYS = 8u;
const KEYS = 4u * LANE_KEYS; // one word of `inhibited`
const PARTS = (HEAD_PARTS + 3u) / 4u;

struct Params {
  rows: u32,
  keys: u32,
  heads: u32,
  keyHeads: u32,
  qStride: u32, // strides and offsets are in Parts
  qOffset: u32,
  kStride: u32,
  kOffset: u32,
  vStride: u32,
  vOffset: u32,
  firstRow: u32, // rows before it are left out
  inhibitedWords: u32, // words in a row of `inhibited`; 0: there is none
  scale: f32,
  cap: f32, // of lib/soft-cap
}

@group(0) @binding(0) var<storage, read> q: array<Part>; // [T, H, D] strided
@group(0) @binding(1) var<storage, read> k: array<Cached>; // [S, Hk, D] strided
@group(0) @binding(2) var<storage, read> v: array<Cached>; // [S, Hk, D] strided
@group(0) @binding(3) var<storage, read> visible: array<vec2u>; // [T, 2], half-open key ranges
@group(0) @binding(4) var<storage, read> inhibited: array<u32>; // [T, ceil(S / 32)]
@group(0) @binding(5) var<storage, read_write> y: array<Part>; // [T, H, D]
@group(0) @binding(6) var<storage, read_write> logSumExp: array<f32>; // [T, H]
@group(0) @binding(6u + LOG_SUM_EXP) var<uniform> params: Params;

// Bit s is set where the row, with this key range, sees key first + s.
fn seen_keys(row: u32, range: vec2u, first: u32) -> u32 {
  let counts = clamp(range, vec2u(first), vec2u(first + KEYS)) - first;
  let below = select((vec2u(1u) << (counts % KEYS)) - 1u, vec2u(0xffffffffu), counts == vec2u(KEYS));
  var bits = below.y & ~below.x;
  if (params.inhibitedWords != 0u) {
    bits &= ~inhibited[row * params.inhibitedWords + first / KEYS];
  }
  return bits;
}

@compute @workgroup_size(4)
fn main(
  @builtin(subgroup_invocation_id) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let head = group.y;
  let key_head = head / (params.heads / params.keyHeads);
  // With causal masks the last rows have the most keys: they start first.
  let row0 = params.firstRow + (groups.x - 1u - group.x) * ROWS;
  let last_row = params.rows - 1u;
  let range = tile_range(row0, ROWS);
  let last_key = range.y - 1u; // unused where the range is empty
  let q_start = params.qOffset + head * HEAD_PARTS;
  let q0 = q_start + min(row0 + lane, last_row) * params.qStride;
  let q1 = q_start + min(row0 + lane + 4u, last_row) * params.qStride;
  let q2 = q_start + min(row0 + lane + 8u, last_row) * params.qStride;
  let q3 = q_start + min(row0 + lane + 12u, last_row) * params.qStride;
  let k_start = params.kOffset + key_head * HEAD_PARTS;
  let v_start = params.vOffset + key_head * HEAD_PARTS;

  // Four rows a component: [i] has the rows 4 i .. 4 i + 4.
  var largest = array(vec4f(LOWEST), vec4f(LOWEST), vec4f(LOWEST), vec4f(LOWEST));
  var sum = array<vec4f, 4>(); // over this lane's keys
  var shrink = array<vec4f, 4>();
  var weights = array<vec4f, 4u * LANE_KEYS>(); // [i, key of this lane]
  var output = array<PartBlock, 4u * PARTS>(); // [part, i]

  let ranges = array(
    key_range(row0 + lane), key_range(row0 + lane + 4u), key_range(row0 + lane + 8u), key_range(row0 + lane + 12u));

  for (var first = range.x / KEYS * KEYS; first < range.y; first += KEYS) {
    let key = first + lane * LANE_KEYS;
    let k0 = k_start + min(key, last_key) * params.kStride;
    let k1 = k_start + min(key + 1u, last_key) * params.kStride;
    let k2 = k_start + min(key + 2u, last_key) * params.kStride;
    let k3 = k_start + min(key + 3u, last_key) * params.kStride;
    let k4 = k_start + min(key + 4u, last_key) * params.kStride;
    let k5 = k_start + min(key + 5u, last_key) * params.kStride;
    let k6 = k_start + min(key + 6u, last_key) * params.kStride;
    let k7 = k_start + min(key + 7u, last_key) * params.kStride;
    var left0 = mat4x4f();
    var left1 = mat4x4f();
    var left2 = mat4x4f();
    var left3 = mat4x4f();
    var right0 = mat4x4f();
    var right1 = mat4x4f();
    var right2 = mat4x4f();
    var right3 = mat4x4f();
    for (var part = 0u; part < HEAD_PARTS; part++) {
      let left = PartBlock(key_part(k0 + part), key_part(k1 + part), key_part(k2 + part), key_part(k3 + part));
      let right = PartBlock(key_part(k4 + part), key_part(k5 + part), key_part(k6 + part), key_part(k7 + part));
      let part0 = q[q0 + part];
      left0 += products(part0, left);
      right0 += products(part0, right);
      let part1 = q[q1 + part];
      left1 += products(part1, left);
      right1 += products(part1, right);
      let part2 = q[q2 + part];
      left2 += products(part2, left);
      right2 += products(part2, right);
      let part3 = q[q3 + part];
      left3 += products(part3, left);
      right3 += products(part3, right);
    }
    var logits = array(
      transpose(left0), transpose(right0), transpose(left1), transpose(right1),
      transpose(left2), transpose(right2), transpose(left3), transpose(right3));

    for (var i = 0u; i < 4u; i++) {
      let seen = seen_keys(min(row0 + 4u * i + lane, last_row), ranges[i], first);
      let row_seen =
        vec4u(quadBroadcast(seen, 0u), quadBroadcast(seen, 1u), quadBroadcast(seen, 2u), quadBroadcast(seen, 3u));
      var new_largest = largest[i];
      for (var j = 0u; j < LANE_KEYS; j++) {
        let logit = soft_cap(logits[2u * i + j / 4u][j % 4u] * params.scale, params.cap);
        let masked = select(vec4f(LOWEST), logit, ((row_seen >> vec4u(lane * LANE_KEYS + j)) & vec4u(1)) != vec4u(0));
        new_largest = max(new_largest, masked);
        weights[i * LANE_KEYS + j] = masked;
      }
      new_largest = quad_max(new_largest);
      shrink[i] = exp(largest[i] - new_largest);
      largest[i] = new_largest;
      var lane_sum = sum[i] * shrink[i];
      for (var j = 0u; j < LANE_KEYS; j++) {
        let logit = weights[i * LANE_KEYS + j];
        let weight = select(vec4f(0), exp(logit - new_largest), logit > vec4f(LOWEST));
        lane_sum += weight;
        weights[i * LANE_KEYS + j] = weight;
      }
      sum[i] = lane_sum;
    }

    for (var b = 0u; b < PARTS; b++) {
      let v_part = v_start + min(lane + 4u * b, HEAD_PARTS - 1u);
      var y0 = scale_rows(output[4u * b], shrink[0]);
      var y1 = scale_rows(output[4u * b + 1u], shrink[1]);
      var y2 = scale_rows(output[4u * b + 2u], shrink[2]);
      var y3 = scale_rows(output[4u * b + 3u], shrink[3]);
      for (var j = 0u; j < LANE_KEYS; j++) {
        let w0 = weights[j];
        let w1 = weights[LANE_KEYS + j];
        let w2 = weights[2u * LANE_KEYS + j];
        let w3 = weights[3u * LANE_KEYS + j];
        let a = value_part(v_part + min(first + j, last_key) * params.vStride);
        y0 += outer(a, quadBroadcast(w0, 0u));
        y1 += outer(a, quadBroadcast(w1, 0u));
        y2 += outer(a, quadBroadcast(w2, 0u));
        y3 += outer(a, quadBroadcast(w3, 0u));
        let b = value_part(v_part + min(first + LANE_KEYS + j, last_key) * params.vStride);
        y0 += outer(b, quadBroadcast(w0, 1u));
        y1 += outer(b, quadBroadcast(w1, 1u));
        y2 += outer(b, quadBroadcast(w2, 1u));
        y3 += outer(b, quadBroadcast(w3, 1u));
        let c = value_part(v_part + min(first + 2u * LANE_KEYS + j, last_key) * params.vStride);
        y0 += outer(c, quadBroadcast(w0, 2u));
        y1 += outer(c, quadBroadcast(w1, 2u));
        y2 += outer(c, quadBroadcast(w2, 2u));
        y3 += outer(c, quadBroadcast(w3, 2u));
        let d = value_part(v_part + min(first + 3u * LANE_KEYS + j, last_key) * params.vStride);
        y0 += outer(d, quadBroadcast(w0, 3u));
        y1 += outer(d, quadBroadcast(w1, 3u));
        y2 += outer(d, quadBroadcast(w2, 3u));
        y3 += outer(d, quadBroadcast(w3, 3u));
      }
      output[4u * b] = y0;
      output[4u * b + 1u] = y1;
      output[4u * b + 2u] = y2;
      output[4u * b + 3u] = y3;
    }
  }

  for (var i = 0u; i < 4u; i++) {
    sum[i] = quad_sum(sum[i]);
  }
  for (var r = 0u; r < ROWS && row0 + r < params.rows; r++) {
    let total = sum[r / 4u][r % 4u];
    // A row with nothing left gives zeros.
    let factor = select(0.0, 1.0 / total, total > 0.0);
    let at = (row0 + r) * params.heads + head;
    for (var b = 0u; b < PARTS; b++) {
      let part = lane + 4u * b;
      if (part < HEAD_PARTS) {
        y[at * HEAD_PARTS + part] = output[4u * b + r / 4u][r % 4u] * factor;
      }
    }
    if (lane == 0u) {
      store_log_sum_exp(at, select(LOWEST, largest[r / 4u][r % 4u] + log(total), total > 0.0));
    }
  }
}
