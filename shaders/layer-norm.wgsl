// y[t, c] = (x[t, c] - mean_c x) / sqrt(variance_c x + eps) * weight[c] + bias[c]. One workgroup a row.
// The variance is summed from differences, in a second reading: sums of squares cancel where the mean is large.
// Needs lib/reduce and WORKGROUP_SIZE.

struct Params {
  rows: u32,
  width: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, C]
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [C]
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [C]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, C]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) {
    return;
  }
  let start = row * params.width;
  let width = f32(params.width);
  var part = 0.0;
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    part += x[start + c];
  }
  let mean = workgroup_sum(part, lane) / width;
  var squares = 0.0;
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    let difference = x[start + c] - mean;
    squares += difference * difference;
  }
  let scale = inverseSqrt(workgroup_sum(squares, lane) / width + params.eps);
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    y[start + c] = (x[start + c] - mean) * scale * weight[c] + bias[c];
  }
}
