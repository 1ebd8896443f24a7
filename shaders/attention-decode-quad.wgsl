// The same as attention-decode.wgsl without workgroup memory, for software adapters. A barrier costs more there than
// the loads it saves, and a load costs as much as tens of products. A workgroup is one quad and takes up to four query
// heads of one key head. Each invocation has 8 keys of a pass, and the Parts lane, lane + 4, ... of the output.
// Needs subgroups, lib/part-*, lib/cached-*, lib/key-part, lib/value-part, lib/soft-cap, lib/quad-products,
// lib/log-sum-exp-*, HEAD_PARTS (Parts in a head), GROUP (query heads a workgroup) and LOG_SUM_EXP (the binding
// exists).

const PASS_KEYS = 32u; // one word of `inhibited`
const LANE_KEYS = PASS_KEYS / 4u;
const PASSES = 4u; // between two rescalings of the output, which read and write all of it
const PARTS = (HEAD_PARTS + 3u) / 4u;

struct Params {
  keys: u32,
  splitKeys: u32, // keys of a split, the last one may have fewer
  heads: u32,
  keyHeads: u32,
  qOffset: u32, // strides and offsets are in Parts
  kStride: u32,
  kOffset: u32,
  vStride: u32,
  vOffset: u32,
  hasInhibited: u32,
  scale: f32,
  cap: f32, // of lib/soft-cap
}

@group(0) @binding(0) var<storage, read> q: array<Part>; // [H, D] from qOffset
@group(0) @binding(1) var<storage, read> k: array<Cached>; // [S, Hk, D] strided
@group(0) @binding(2) var<storage, read> v: array<Cached>; // [S, Hk, D] strided
@group(0) @binding(3) var<storage, read> visible: array<vec2u>; // [1, 2], half-open key range
@group(0) @binding(4) var<storage, read> inhibited: array<u32>; // [ceil(S / 32)]
@group(0) @binding(5) var<storage, read_write> y: array<Part>; // [splits, H, D]
@group(0) @binding(6) var<storage, read_write> logSumExp: array<f32>; // [splits, H]
@group(0) @binding(6u + LOG_SUM_EXP) var<uniform> params: Params;

@compute @workgroup_size(4)
fn main(@builtin(subgroup_invocation_id) lane: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let heads_per_key = params.heads / params.keyHeads;
  let groups = (heads_per_key + GROUP - 1u) / GROUP;
  let key_head = workgroup.x / groups;
  let first_in_key = workgroup.x % groups * GROUP;
  let first_head = key_head * heads_per_key + first_in_key;
  let count = min(GROUP, heads_per_key - first_in_key); // of heads in this group
  // Heads beyond the group repeat its last one, and their results are dropped.
  let q_start = params.qOffset + (first_head + min(lane, count - 1u)) * HEAD_PARTS;
  let k_start = params.kOffset + key_head * HEAD_PARTS;
  let v_start = params.vOffset + key_head * HEAD_PARTS;
  let split = workgroup.y * params.splitKeys;
  let start = max(split, visible[0].x);
  let end = min(min(params.keys, split + params.splitKeys), visible[0].y);
  let last = end - 1u; // unused where the range is empty
  let first_block = select(end, start / PASS_KEYS * PASS_KEYS, start < end);

  // The components are heads.
  var largest = vec4f(LOWEST);
  var sum = vec4f(); // over this lane's keys
  var weights = array<vec4f, PASSES * LANE_KEYS>(); // of this lane's keys
  var output = array<PartBlock, PARTS>();

  for (var block = first_block; block < end; block += PASSES * PASS_KEYS) {
    let passes = min(PASSES, (end - block + PASS_KEYS - 1u) / PASS_KEYS);
    var new_largest = largest;
    for (var pass_index = 0u; pass_index < passes; pass_index++) {
      let first = block + pass_index * PASS_KEYS;
      let key = first + lane * LANE_KEYS;
      let k0 = k_start + clamp(key, start, last) * params.kStride;
      let k1 = k_start + clamp(key + 1u, start, last) * params.kStride;
      let k2 = k_start + clamp(key + 2u, start, last) * params.kStride;
      let k3 = k_start + clamp(key + 3u, start, last) * params.kStride;
      let k4 = k_start + clamp(key + 4u, start, last) * params.kStride;
      let k5 = k_start + clamp(key + 5u, start, last) * params.kStride;
      let k6 = k_start + clamp(key + 6u, start, last) * params.kStride;
      let k7 = k_start + clamp(key + 7u, start, last) * params.kStride;
      var left = mat4x4f();
      var right = mat4x4f();
      for (var part = 0u; part < HEAD_PARTS; part++) {
        let query = q[q_start + part];
        left += products(query, PartBlock(key_part(k0 + part), key_part(k1 + part), key_part(k2 + part), key_part(k3 + part)));
        right += products(query, PartBlock(key_part(k4 + part), key_part(k5 + part), key_part(k6 + part), key_part(k7 + part)));
      }
      var barred = 0u;
      if (params.hasInhibited != 0u) {
        barred = inhibited[first / PASS_KEYS];
      }
      var logits = array(transpose(left), transpose(right));
      for (var j = 0u; j < LANE_KEYS; j++) {
        let seen = key + j - start < end - start && extractBits(barred, lane * LANE_KEYS + j, 1u) == 0u;
        let logit = select(vec4f(LOWEST), soft_cap(logits[j / 4u][j % 4u] * params.scale, params.cap), seen);
        new_largest = max(new_largest, logit);
        weights[pass_index * LANE_KEYS + j] = logit;
      }
    }

    new_largest = quad_max(new_largest);
    let shrink = exp(largest - new_largest);
    largest = new_largest;
    sum *= shrink;
    for (var j = 0u; j < passes * LANE_KEYS; j++) {
      let logit = weights[j];
      let weight = select(vec4f(), exp(logit - largest), logit > vec4f(LOWEST));
      sum += weight;
      weights[j] = weight;
    }

    for (var b = 0u; b < PARTS; b++) {
      let v_part = v_start + min(lane + 4u * b, HEAD_PARTS - 1u);
      var value = scale_rows(output[b], shrink);
      for (var j = 0u; j < passes * LANE_KEYS; j++) {
        let weight = weights[j];
        let key = block + j / LANE_KEYS * PASS_KEYS + j % LANE_KEYS;
        value += outer(value_part(v_part + clamp(key, start, last) * params.vStride), quadBroadcast(weight, 0u));
        value += outer(value_part(v_part + clamp(key + LANE_KEYS, start, last) * params.vStride), quadBroadcast(weight, 1u));
        value += outer(value_part(v_part + clamp(key + 2u * LANE_KEYS, start, last) * params.vStride), quadBroadcast(weight, 2u));
        value += outer(value_part(v_part + clamp(key + 3u * LANE_KEYS, start, last) * params.vStride), quadBroadcast(weight, 3u));
      }
      output[b] = value;
    }
  }

  sum = quad_sum(sum);
  // A head with nothing left gives zeros.
  let factors = select(vec4f(), 1.0 / sum, sum > vec4f());
  let first_row = workgroup.y * params.heads + first_head;
  for (var b = 0u; b < PARTS; b++) {
    let part = lane + 4u * b;
    var values = scale_rows(output[b], factors);
    for (var g = 0u; g < count && part < HEAD_PARTS; g++) {
      y[(first_row + g) * HEAD_PARTS + part] = values[g];
    }
  }
  if (lane < count) {
    store_log_sum_exp(first_row + lane, select(LOWEST, largest[lane] + log(sum[lane]), sum[lane] > 0.0));
  }
}
