// x[t, h, c] = x[t, h, c] / sqrt(mean_c x^2 + eps) * weight[c] * silu(gate[t, h, c]), in place. One workgroup a row and head.
// Needs lib/reduce and WORKGROUP_SIZE.

struct Params {
  rows: u32, // T
  heads: u32, // H
  width: u32, // D
  stride: u32, // elements from a row of the gate to the next
  offset: u32, // where in a row the gate begins
  eps: f32,
}

@group(0) @binding(0) var<storage, read> gate: array<f32>; // [T, stride], of which H D from `offset` on
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [D]
@group(0) @binding(2) var<storage, read_write> x: array<f32>; // [T, H D]
@group(0) @binding(3) var<uniform> params: Params;

fn silu(value: f32) -> f32 {
  return value / (1.0 + exp(-clamp(value, -88.0, 88.0)));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = group.x + group.y * groups.x;
  if (index >= params.rows * params.heads) {
    return;
  }
  let start = index * params.width;
  let gate_start = index / params.heads * params.stride + params.offset + index % params.heads * params.width;
  var squares = 0.0;
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    squares += x[start + c] * x[start + c];
  }
  let scale = inverseSqrt(workgroup_sum(squares, lane) / f32(params.width) + params.eps);
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    x[start + c] *= scale * weight[c] * silu(gate[gate_start + c]);
  }
}
