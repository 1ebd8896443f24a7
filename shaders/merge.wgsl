// The tokens that leave a compression stage: the rows in front (class token), the primary tokens, then one token a
// cluster, the sum of its members weighted by importance (eq. 7) or, with NORMALIZED, by their share of it.
// One workgroup a token. Needs lib/reduce and WORKGROUP_SIZE, NORMALIZED.

const SMALLEST_SUM = 1e-12; // of importance; below it the quotient would be noise and the mean is plain

struct Params {
  width: u32, // C
  first: u32, // rows in front
  primary: u32, // k
  redundant: u32, // R
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [first + k + R, C]
@group(0) @binding(1) var<storage, read> order: array<u32>; // [k + R], primary then redundant
@group(0) @binding(2) var<storage, read> scores: array<f32>; // [k + R], importance
@group(0) @binding(3) var<storage, read> labels: array<u32>; // [R]
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [first + k + c, C]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u) {
  let row = group.x;
  let to = row * params.width;
  if (row < params.first + params.primary) {
    var source = row;
    if (row >= params.first) {
      source = params.first + order[row - params.first];
    }
    for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
      y[to + c] = x[source * params.width + c];
    }
    return;
  }

  let cluster = row - params.first - params.primary;
  var importance = 0.0;
  var members = 0.0;
  for (var r = lane.index; r < params.redundant; r += WORKGROUP_SIZE) {
    if (labels[r] == cluster) {
      importance += scores[order[params.primary + r]];
      members += 1.0;
    }
  }
  let sum = workgroup_sum(importance, lane);
  let count = workgroup_sum(members, lane);
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    var merged = 0.0;
    for (var r = 0u; r < params.redundant; r++) {
      if (labels[r] == cluster) {
        let token = order[params.primary + r];
        var weight = scores[token];
        if (NORMALIZED != 0u) {
          weight = select(weight / sum, 1.0 / count, sum < SMALLEST_SUM);
        }
        merged += weight * x[(params.first + token) * params.width + c];
      }
    }
    y[to + c] = merged;
  }
}
