// scores[b, n] = the importance of cell n of view b: over its seats, the sum of the mean over the heads and the first
// `queries` rows of the view of softmax(q k^T * scale)[query, seat's row]. With a class token there is one query, its row.
// Without one all rows of the view are queries, so a score is the attention that a cell receives. The weights are
// recomputed from the log-sum-exp of the attention kernel, so that the matrix of weights is never stored.
// One workgroup a cell. Needs lib/reduce and WORKGROUP_SIZE.

struct Params {
  queries: u32, // of a view
  cells: u32, // N, of a view
  seats: u32, // S
  first: u32, // rows of a view before its cells: 1 with a class token
  heads: u32,
  headWidth: u32,
  qStride: u32,
  qOffset: u32,
  kStride: u32,
  kOffset: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<f32>; // [B * (first + N * S), H, D] strided
@group(0) @binding(1) var<storage, read> k: array<f32>; // [B * (first + N * S), H, D] strided
@group(0) @binding(2) var<storage, read> logSumExp: array<f32>; // [B * (first + N * S), H]
@group(0) @binding(3) var<storage, read_write> scores: array<f32>; // [B, N]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u) {
  let cell = group.x;
  let view_row = group.y * (params.first + params.cells * params.seats);
  let pairs = params.queries * params.heads;
  var sum = 0.0;
  for (var seat = 0u; seat < params.seats; seat++) {
    let key = params.kOffset + (view_row + params.first + cell * params.seats + seat) * params.kStride;
    for (var pair = lane.index; pair < pairs; pair += WORKGROUP_SIZE) {
      let head = pair % params.heads * params.headWidth;
      let query = params.qOffset + (view_row + pair / params.heads) * params.qStride + head;
      var logit = 0.0;
      for (var d = 0u; d < params.headWidth; d++) {
        logit += q[query + d] * k[key + head + d];
      }
      sum += exp(logit * params.scale - logSumExp[view_row * params.heads + pair]);
    }
  }
  let total = workgroup_sum(sum, lane);
  if (lane.index == 0u) {
    scores[group.y * params.cells + cell] = total / f32(pairs);
  }
}
