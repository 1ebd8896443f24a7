// A, the head mean of pass 1's attention weights (paper eqs. 9-11): of the text rows of a chunk over every key that they
// see. Weights on other text rows go to scratch, weights on image tokens (columns) are appended to the layer's packed
// list. The weights of single heads never leave the registers. row-mean.wgsl does the same for one row.
// Needs lib/part-*, lib/cached-*, lib/key-part, lib/soft-cap, lib/text-row, lib/pair-store, HEAD_PARTS (Parts in a
// head), ROW_BLOCK (text rows of an invocation, at one key), and the invocations of a workgroup: ROW_LANES x
// KEY_LANES.

const ROWS = ROW_LANES * ROW_BLOCK;
const THREADS = ROW_LANES * KEY_LANES;

struct Params {
  count: u32, // text rows of the chunk
  firstTextRow: u32, // number of the first of them
  chunkRow: u32, // the cache's row that row 0 of q is
  firstKey: u32, // keys before it are left out
  keys: u32, // S
  heads: u32,
  keyHeads: u32,
  qStride: u32, // strides and offsets are in Parts
  qOffset: u32,
  kStride: u32,
  kOffset: u32,
  literal: u32, // 1: the mean of the scaled logits instead
  scale: f32,
  cap: f32, // of lib/soft-cap
}

@group(0) @binding(0) var<storage, read> q: array<Part>; // [T, H, D] strided
@group(0) @binding(1) var<storage, read> k: array<Cached>; // [S, Hk, D] strided
@group(0) @binding(2) var<storage, read> logSumExp: array<f32>; // [T, H]
@group(0) @binding(3) var<storage, read> slots: array<u32>; // [S], column or text row at each row of the cache
@group(0) @binding(4) var<storage, read> textRows: array<TextRow>; // [text rows so far]
@group(0) @binding(5) var<storage, read_write> neighbours: array<f32>; // [count, text rows so far]
@group(0) @binding(6) var<storage, read_write> imageAttention: array<f32>; // packed [text rows so far, columns seen]
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let key = params.firstKey + workgroup.x * KEY_LANES + thread % KEY_LANES;
  let first = workgroup.y * ROWS + thread / KEY_LANES; // of the chunk; the others are ROW_LANES apart

  var rows = array<u32, ROW_BLOCK>(); // of the chunk
  var is_seen = false;
  for (var i = 0u; i < ROW_BLOCK; i++) {
    let number = params.firstTextRow + min(first + i * ROW_LANES, params.count - 1u);
    rows[i] = textRows[number].row - params.chunkRow;
    is_seen = is_seen || (key >= textRows[number].firstKey && key < textRows[number].endKey);
  }
  if (!is_seen) {
    return;
  }
  let k_start = params.kOffset + key * params.kStride;
  let heads_per_key = params.heads / params.keyHeads;
  var sums = array<f32, ROW_BLOCK>();
  for (var head = 0u; head < params.heads; head++) {
    // Zeroed explicitly: some devices do not zero a bare declaration again in every round.
    var dots = array<f32, ROW_BLOCK>();
    for (var part = 0u; part < HEAD_PARTS; part++) {
      let b = key_part(k_start + head / heads_per_key * HEAD_PARTS + part);
      for (var i = 0u; i < ROW_BLOCK; i++) {
        let q_start = params.qOffset + rows[i] * params.qStride;
        dots[i] += part_dot(q[q_start + head * HEAD_PARTS + part], b);
      }
    }
    for (var i = 0u; i < ROW_BLOCK; i++) {
      let logit = soft_cap(vec4f(dots[i] * params.scale), params.cap).x;
      let log_sum = logSumExp[rows[i] * params.heads + head];
      // No weight is above 1, but the logit of a key that the row does not see may be above the log-sum-exp.
      sums[i] += select(exp(min(logit - log_sum, 0.0)), logit, params.literal != 0u);
    }
  }

  let stride = params.firstTextRow + params.count;
  for (var i = 0u; i < ROW_BLOCK && first + i * ROW_LANES < params.count; i++) {
    let row = first + i * ROW_LANES;
    store_pair(params.firstTextRow + row, row * stride, key, sums[i] / f32(params.heads));
  }
}
