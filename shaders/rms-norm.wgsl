// y[t, c] = x[t, c] / sqrt(mean_c x^2 + eps) * weight[c], or added to y[t, c]. One workgroup a row.
// Needs lib/reduce and WORKGROUP_SIZE.

struct Params {
  rows: u32,
  width: u32,
  eps: f32,
  accumulate: u32, // 1: adds to y
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, C]
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [C]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [T, C]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) {
    return;
  }
  let start = row * params.width;
  var squares = 0.0;
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    let value = x[start + c];
    squares += value * value;
  }
  let scale = inverseSqrt(workgroup_sum(squares, lane) / f32(params.width) + params.eps);
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    let before = select(0.0, y[start + c], params.accumulate != 0u);
    y[start + c] = before + x[start + c] * scale * weight[c];
  }
}
