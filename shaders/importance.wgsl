// scores[i] = mean over the heads and the first `queries` rows of softmax(q k^T * scale)[t, first + i]: with a class token
// one query, its row; without one all queries, so the attention that a token receives. The weights are made again from
// the log-sum-exp that the attention kernel left, so that the matrix of weights is never stored. One workgroup a token.
// Needs lib/reduce and WORKGROUP_SIZE.

struct Params {
  queries: u32,
  tokens: u32, // N
  first: u32, // rows in front of the first patch: 1 with a class token
  heads: u32,
  headWidth: u32,
  qStride: u32,
  qOffset: u32,
  kStride: u32,
  kOffset: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<f32>; // [T, H, D] strided
@group(0) @binding(1) var<storage, read> k: array<f32>; // [T, H, D] strided
@group(0) @binding(2) var<storage, read> logSumExp: array<f32>; // [T, H]
@group(0) @binding(3) var<storage, read_write> scores: array<f32>; // [N]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u) {
  let token = group.x;
  let key = params.kOffset + (params.first + token) * params.kStride;
  let pairs = params.queries * params.heads;
  var sum = 0.0;
  for (var pair = lane.index; pair < pairs; pair += WORKGROUP_SIZE) {
    let head = pair % params.heads * params.headWidth;
    let query = params.qOffset + pair / params.heads * params.qStride + head;
    var logit = 0.0;
    for (var d = 0u; d < params.headWidth; d++) {
      logit += q[query + d] * k[key + head + d];
    }
    sum += exp(logit * params.scale - logSumExp[pair]);
  }
  let total = workgroup_sum(sum, lane);
  if (lane.index == 0u) {
    scores[token] = total / f32(pairs);
  }
}
