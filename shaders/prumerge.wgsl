// LLaVA-PruMerge's tokens: the rows in front, every kept token plus the importance-weighted sum of its NEIGHBOURS nearest
// dropped ones (all, if fewer; ties: lower index), and last the weighted sum of all dropped ones.
// One workgroup a token.

const WORKGROUP_SIZE = 64u;
const NEIGHBOURS = 32u;
const MAX_DROPPED = 16384u;

struct Params {
  width: u32, // C
  first: u32,
  kept: u32, // k
  dropped: u32, // R, at most MAX_DROPPED
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [first + k + R, C]
@group(0) @binding(1) var<storage, read> order: array<u32>; // [k + R], kept then dropped
@group(0) @binding(2) var<storage, read> scores: array<f32>; // [k + R], importance
@group(0) @binding(3) var<storage, read> cosines: array<f32>; // [k, R]
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [first + k + 1, C]
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> is_near: array<atomic<u32>, MAX_DROPPED / 32u>; // a bit a dropped token

fn mark_near(kept: u32, lane: u32) {
  let start = kept * params.dropped;
  for (var r = lane; r < params.dropped; r += WORKGROUP_SIZE) {
    let cosine = cosines[start + r];
    var nearer = 0u;
    for (var other = 0u; other < params.dropped; other++) {
      let value = cosines[start + other];
      nearer += u32(value > cosine || (value == cosine && other < r));
    }
    if (nearer < NEIGHBOURS) {
      atomicOr(&is_near[r / 32u], 1u << (r % 32u));
    }
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let row = group.x;
  let is_front = row < params.first;
  let is_sum = row == params.first + params.kept;
  if (!is_front && !is_sum) {
    mark_near(row - params.first, lane);
  }
  workgroupBarrier();

  for (var c = lane; c < params.width; c += WORKGROUP_SIZE) {
    var value = 0.0;
    if (is_front) {
      value = x[row * params.width + c];
    } else {
      if (!is_sum) {
        value = x[(params.first + order[row - params.first]) * params.width + c];
      }
      for (var r = 0u; r < params.dropped; r++) {
        if (is_sum || extractBits(atomicLoad(&is_near[r / 32u]), r % 32u, 1u) == 1u) {
          let token = order[params.kept + r];
          value += scores[token] * x[(params.first + token) * params.width + c];
        }
      }
    }
    y[row * params.width + c] = value;
  }
}
