// y = softmax(q k^T * scale, unseen and inhibited pairs at -inf) v, and its log-sum-exp. Online softmax: a workgroup
// keeps a tile of rows of one query head and walks over the keys in tiles; logits never leave it. It walks only from the
// smallest start to the largest end of its rows' ranges.
// Needs lib/part-*, lib/cached-*, lib/key-part, lib/value-part, lib/soft-cap, lib/key-ranges, lib/log-sum-exp-*,
// HEAD_PARTS (Parts in a head), ROW_LANES, KEY_LANES, KEY_BLOCK, and LOG_SUM_EXP (the binding exists).
// attention-quad.wgsl does the same without workgroup memory.

const ROWS = 4u * ROW_LANES; // each invocation has 4 rows, the components of its vec4f
const KEYS = KEY_LANES * KEY_BLOCK;
const THREADS = ROW_LANES * KEY_LANES;
const PART_BLOCK = (HEAD_PARTS + KEY_LANES - 1u) / KEY_LANES; // Parts of the output that an invocation sums up
const TILE_STRIDE = HEAD_PARTS + 1u; // rarely a multiple of the number of banks

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

var<workgroup> tile: array<Part, KEYS * TILE_STRIDE>; // keys, then values
var<workgroup> weights: array<vec4f, KEYS * ROW_LANES>;
var<workgroup> exchange: array<vec4f, THREADS>; // values that the key lanes of a row exchange

fn is_inhibited(row: u32, key: u32) -> bool {
  return extractBits(inhibited[row * params.inhibitedWords + key / 32u], key % 32u, 1u) != 0u;
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(local_invocation_index) thread: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let key_lane = thread % KEY_LANES;
  let row_lane = thread / KEY_LANES;
  let head = group.y;
  let key_head = head / (params.heads / params.keyHeads);
  // With causal masks the last rows have the most keys: they start first.
  let first_row = params.firstRow + (groups.x - 1u - group.x) * ROWS;
  let row = first_row + 4u * row_lane;
  let last = params.rows - 1u;
  let q_start = params.qOffset + head * HEAD_PARTS;
  let q0 = q_start + min(row, last) * params.qStride;
  let q1 = q_start + min(row + 1u, last) * params.qStride;
  let q2 = q_start + min(row + 2u, last) * params.qStride;
  let q3 = q_start + min(row + 3u, last) * params.qStride;

  let range = tile_range(first_row, ROWS);
  let range0 = key_range(row);
  let range1 = key_range(row + 1u);
  let range2 = key_range(row + 2u);
  let range3 = key_range(row + 3u);
  let starts = vec4u(range0.x, range1.x, range2.x, range3.x);
  let counts = vec4u(range0.y, range1.y, range2.y, range3.y) - starts;
  var largest = vec4f(LOWEST);
  var sum = vec4f(0); // over this lane's keys only
  var output: array<Part, 4u * PART_BLOCK>;

  for (var first_key = range.x; first_key < range.y; first_key += KEYS) {
    for (var i = thread; i < KEYS * HEAD_PARTS; i += THREADS) {
      let key = first_key + i / HEAD_PARTS;
      var value = Part();
      if (key < range.y) {
        value = key_part(params.kOffset + key * params.kStride + key_head * HEAD_PARTS + i % HEAD_PARTS);
      }
      tile[i / HEAD_PARTS * TILE_STRIDE + i % HEAD_PARTS] = value;
    }
    workgroupBarrier();

    var logits = array<vec4f, KEY_BLOCK>();
    for (var part = 0u; part < HEAD_PARTS; part++) {
      let a0 = q[q0 + part];
      let a1 = q[q1 + part];
      let a2 = q[q2 + part];
      let a3 = q[q3 + part];
      for (var j = 0u; j < KEY_BLOCK; j++) {
        let b = tile[(key_lane + j * KEY_LANES) * TILE_STRIDE + part];
        logits[j] += vec4f(part_dot(a0, b), part_dot(a1, b), part_dot(a2, b), part_dot(a3, b));
      }
    }
    var lane_largest = vec4f(LOWEST);
    for (var j = 0u; j < KEY_BLOCK; j++) {
      let key = first_key + key_lane + j * KEY_LANES;
      var seen = vec4u(key) - starts < counts; // keys before a start wrap around
      if (params.inhibitedWords != 0u) {
        seen &= !vec4<bool>(
          is_inhibited(row, key), is_inhibited(row + 1u, key), is_inhibited(row + 2u, key), is_inhibited(row + 3u, key));
      }
      logits[j] = select(vec4f(LOWEST), soft_cap(logits[j] * params.scale, params.cap), seen);
      lane_largest = max(lane_largest, logits[j]);
    }
    exchange[thread] = lane_largest;
    workgroupBarrier();

    var new_largest = largest;
    for (var lane = 0u; lane < KEY_LANES; lane++) {
      new_largest = max(new_largest, exchange[row_lane * KEY_LANES + lane]);
    }
    let shrink = exp(largest - new_largest);
    largest = new_largest;
    sum *= shrink;
    for (var j = 0u; j < KEY_BLOCK; j++) {
      let weight = select(vec4f(0), exp(logits[j] - largest), logits[j] > vec4f(LOWEST));
      sum += weight;
      weights[(key_lane + j * KEY_LANES) * ROW_LANES + row_lane] = weight;
    }
    for (var i = thread; i < KEYS * HEAD_PARTS; i += THREADS) {
      let key = first_key + i / HEAD_PARTS;
      var value = Part();
      if (key < range.y) {
        value = value_part(params.vOffset + key * params.vStride + key_head * HEAD_PARTS + i % HEAD_PARTS);
      }
      tile[i / HEAD_PARTS * TILE_STRIDE + i % HEAD_PARTS] = value;
    }
    workgroupBarrier();

    for (var j = 0u; j < PART_BLOCK; j++) {
      let part = min(key_lane + j * KEY_LANES, HEAD_PARTS - 1u);
      var y0 = output[4u * j] * shrink.x;
      var y1 = output[4u * j + 1u] * shrink.y;
      var y2 = output[4u * j + 2u] * shrink.z;
      var y3 = output[4u * j + 3u] * shrink.w;
      for (var key = 0u; key < KEYS; key++) {
        let weight = weights[key * ROW_LANES + row_lane];
        let value = tile[key * TILE_STRIDE + part];
        y0 += weight.x * value;
        y1 += weight.y * value;
        y2 += weight.z * value;
        y3 += weight.w * value;
      }
      output[4u * j] = y0;
      output[4u * j + 1u] = y1;
      output[4u * j + 2u] = y2;
      output[4u * j + 3u] = y3;
    }
    workgroupBarrier();
  }

  exchange[thread] = sum;
  workgroupBarrier();
  sum = vec4f(0);
  for (var lane = 0u; lane < KEY_LANES; lane++) {
    sum += exchange[row_lane * KEY_LANES + lane];
  }
  for (var i = 0u; i < 4u && row + i < params.rows; i++) {
    // A row with nothing left gives zeros.
    let factor = select(0.0, 1.0 / sum[i], sum[i] > 0.0);
    let at = (row + i) * params.heads + head;
    for (var j = 0u; j < PART_BLOCK; j++) {
      let part = key_lane + j * KEY_LANES;
      if (part < HEAD_PARTS) {
        y[at * HEAD_PARTS + part] = output[4u * j + i] * factor;
      }
    }
    if (key_lane == 0u) {
      store_log_sum_exp(at, select(LOWEST, largest[i] + log(sum[i]), sum[i] > 0.0));
    }
  }
}
