// A, the head mean of pass 1's attention weights (paper eqs. 9-11): of the viewers of a chunk (text rows that see an
// image, see src/model/inhibition/index-tables.ts) over every key from the first image on, each an image column or a viewer. What they pay
// to earlier viewers goes to scratch, what they pay to columns is appended to the layer's packed list. The weights of
// single heads never leave the registers. row-mean.wgsl does the same for one viewer.
// Needs lib/part-*, lib/pair-store, HEAD_PARTS (Parts in a head), ROW_BLOCK (viewers of an invocation, at one key), and the
// invocations of a workgroup: ROW_LANES x KEY_LANES.

const ROWS = ROW_LANES * ROW_BLOCK;
const THREADS = ROW_LANES * KEY_LANES;

struct Params {
  viewers: u32, // of the chunk
  firstViewer: u32, // number of its first viewer among all
  chunkRow: u32, // the cache's row that row 0 of q is
  sumRow: u32, // the cache's row that row 0 of logSumExp is
  firstKey: u32, // row of the first image token
  keys: u32, // S
  heads: u32,
  keyHeads: u32,
  qStride: u32, // strides and offsets are in Parts
  qOffset: u32,
  kStride: u32,
  kOffset: u32,
  literal: u32, // 1: the mean of the scaled logits instead
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<Part>; // [T, H, D] strided
@group(0) @binding(1) var<storage, read> k: array<Part>; // [S, Hk, D] strided
@group(0) @binding(2) var<storage, read> logSumExp: array<f32>; // [rows, H]
@group(0) @binding(3) var<storage, read> slots: array<u32>; // [S], column or viewer at each row
@group(0) @binding(4) var<storage, read> viewerRows: array<u32>; // [viewers so far]
@group(0) @binding(5) var<storage, read> starts: array<u32>; // [viewers so far + 1], into imageAttention
@group(0) @binding(6) var<storage, read_write> neighbours: array<f32>; // [viewers of the chunk, viewers so far]
@group(0) @binding(7) var<storage, read_write> imageAttention: array<f32>; // packed [viewers so far, columns seen]
@group(0) @binding(8) var<uniform> params: Params;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let last_viewer = params.firstViewer + min((workgroup.y + 1u) * ROWS, params.viewers) - 1u;
  if (params.firstKey + workgroup.x * KEY_LANES > viewerRows[last_viewer]) {
    return; // behind all rows of the tile
  }
  let key = params.firstKey + workgroup.x * KEY_LANES + thread % KEY_LANES;
  let first_viewer = workgroup.y * ROWS + thread / KEY_LANES; // of the chunk; the others are ROW_LANES apart
  let k_start = params.kOffset + min(key, params.keys - 1u) * params.kStride;

  var rows = array<u32, ROW_BLOCK>(); // in the cache
  for (var i = 0u; i < ROW_BLOCK; i++) {
    rows[i] = viewerRows[params.firstViewer + min(first_viewer + i * ROW_LANES, params.viewers - 1u)];
  }
  let heads_per_key = params.heads / params.keyHeads;
  var sums = array<f32, ROW_BLOCK>();
  for (var head = 0u; head < params.heads; head++) {
    // Written out, for a declaration alone is not zeroed again in every round on all devices.
    var dots = array<f32, ROW_BLOCK>();
    for (var part = 0u; part < HEAD_PARTS; part++) {
      let b = k[k_start + head / heads_per_key * HEAD_PARTS + part];
      for (var i = 0u; i < ROW_BLOCK; i++) {
        let q_start = params.qOffset + (rows[i] - params.chunkRow) * params.qStride;
        dots[i] += part_dot(q[q_start + head * HEAD_PARTS + part], b);
      }
    }
    for (var i = 0u; i < ROW_BLOCK; i++) {
      let logit = dots[i] * params.scale;
      let log_sum = logSumExp[(rows[i] - params.sumRow) * params.heads + head];
      // No weight is above 1, but the logit of a key that the row does not see may be above the log-sum-exp.
      sums[i] += select(exp(min(logit - log_sum, 0.0)), logit, params.literal != 0u);
    }
  }

  for (var i = 0u; i < ROW_BLOCK; i++) {
    let viewer = first_viewer + i * ROW_LANES;
    if (viewer < params.viewers && key <= rows[i]) {
      let row = viewer * (params.firstViewer + params.viewers);
      store_pair(params.firstViewer + viewer, row, key, sums[i] / f32(params.heads));
    }
  }
}
