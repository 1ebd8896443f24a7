// Attention of one query row, parallel over the keys (flash decoding). A workgroup takes GROUP query heads of one key
// head and one split of the keys, in chunks of a key an invocation. Each split is a softmax of its own over the keys that
// the row sees; attention-decode-combine.wgsl joins them. A split without such keys ends at once.
// Needs lib/part-*, lib/cached-*, lib/key-part, lib/value-part, lib/soft-cap, lib/log-sum-exp-*, HEAD_PARTS (Parts
// in a head), GROUP, THREADS, LOG_SUM_EXP (the binding exists).

const LANES = THREADS / GROUP; // invocations that share the softmax of a head
const KEY_LANES = THREADS / HEAD_PARTS; // invocations that share a Part of the output

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

var<workgroup> queries: array<Part, GROUP * HEAD_PARTS>;
var<workgroup> weights: array<f32, GROUP * THREADS>; // [g, key]: logits, then weights
var<workgroup> partial: array<f32, THREADS>; // [g, lane]
var<workgroup> shrinks: array<f32, GROUP>; // of the running sums, when a chunk has a larger logit
var<workgroup> sums: array<Part, THREADS>; // [key lane, part]

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let heads_per_key = params.heads / params.keyHeads;
  let groups = (heads_per_key + GROUP - 1u) / GROUP;
  let key_head = workgroup.x / groups;
  let first_in_key = workgroup.x % groups * GROUP;
  let first_head = key_head * heads_per_key + first_in_key;
  let count = min(GROUP, heads_per_key - first_in_key); // of real heads in this group

  for (var i = thread; i < GROUP * HEAD_PARTS; i += THREADS) {
    let head = min(first_head + i / HEAD_PARTS, params.heads - 1u);
    queries[i] = q[params.qOffset + head * HEAD_PARTS + i % HEAD_PARTS];
  }
  workgroupBarrier();

  // The softmax of head g belongs to LANES invocations, a Part of the output to KEY_LANES others.
  let g_own = thread / LANES;
  let lane = thread % LANES;
  var largest = LOWEST;
  var sum = 0.0;
  let part = thread % HEAD_PARTS;
  let key_lane = thread / HEAD_PARTS;
  var output = array<Part, GROUP>();

  let split = workgroup.y * params.splitKeys;
  let start = max(split, visible[0].x);
  let end = min(min(params.keys, split + params.splitKeys), visible[0].y);
  for (var first_key = start; first_key < end; first_key += THREADS) {
    let keys = min(THREADS, end - first_key);
    if (thread < keys) {
      let key = first_key + thread;
      var logits = array<f32, GROUP>();
      let key_start = params.kOffset + key * params.kStride + key_head * HEAD_PARTS;
      for (var i = 0u; i < HEAD_PARTS; i++) {
        let b = key_part(key_start + i);
        for (var g = 0u; g < GROUP; g++) {
          logits[g] += part_dot(queries[g * HEAD_PARTS + i], b);
        }
      }
      var seen = true;
      if (params.hasInhibited != 0u) {
        seen = extractBits(inhibited[key / 32u], key % 32u, 1u) == 0u;
      }
      for (var g = 0u; g < GROUP; g++) {
        weights[g * THREADS + thread] = select(LOWEST, soft_cap(vec4f(logits[g] * params.scale), params.cap).x, seen);
      }
    }
    workgroupBarrier();

    if (g_own < GROUP) {
      var lane_largest = LOWEST;
      for (var i = lane; i < keys; i += LANES) {
        lane_largest = max(lane_largest, weights[g_own * THREADS + i]);
      }
      partial[thread] = lane_largest;
    }
    workgroupBarrier();

    if (g_own < GROUP) {
      var new_largest = largest;
      for (var i = 0u; i < LANES; i++) {
        new_largest = max(new_largest, partial[g_own * LANES + i]);
      }
      let shrink = exp(largest - new_largest);
      largest = new_largest;
      sum *= shrink;
      for (var i = lane; i < keys; i += LANES) {
        let logit = weights[g_own * THREADS + i];
        let weight = select(0.0, exp(logit - largest), logit > LOWEST);
        sum += weight;
        weights[g_own * THREADS + i] = weight;
      }
      if (lane == 0u) {
        shrinks[g_own] = shrink;
      }
    }
    workgroupBarrier();

    if (key_lane < KEY_LANES) {
      for (var g = 0u; g < GROUP; g++) {
        output[g] *= shrinks[g];
      }
      for (var i = key_lane; i < keys; i += KEY_LANES) {
        let value = value_part(params.vOffset + (first_key + i) * params.vStride + key_head * HEAD_PARTS + part);
        for (var g = 0u; g < GROUP; g++) {
          output[g] += weights[g * THREADS + i] * value;
        }
      }
    }
    workgroupBarrier();
  }

  partial[thread] = sum;
  workgroupBarrier();
  for (var g = 0u; g < count; g++) {
    var total = 0.0;
    for (var i = 0u; i < LANES; i++) {
      total += partial[g * LANES + i];
    }
    if (key_lane < KEY_LANES) {
      sums[thread] = output[g];
    }
    workgroupBarrier();
    let at = workgroup.y * params.heads + first_head + g;
    if (thread < HEAD_PARTS) {
      var value = Part();
      for (var i = 0u; i < KEY_LANES; i++) {
        value += sums[i * HEAD_PARTS + thread];
      }
      // A head with nothing left gives zeros.
      let factor = select(0.0, 1.0 / total, total > 0.0);
      y[at * HEAD_PARTS + thread] = value * factor;
    }
    if (g_own == g && lane == 0u) {
      store_log_sum_exp(at, select(LOWEST, largest + log(total), total > 0.0));
    }
    workgroupBarrier();
  }
}
