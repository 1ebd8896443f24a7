// y = act(W x + b), or y += act(W x + b), of one row; with GATED, y = silu(W_gate x) * W_up x. One workgroup an output.
// Needs lib/reduce, lib/activation, WORKGROUP_SIZE, GATED, HAS_BIAS and ACCUMULATE.

struct Params {
  cols: u32, // N, or F with GATED
  inner: u32, // K
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [1, K]
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [N, K], or [2 F, K] with GATED
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [N], unused without HAS_BIAS
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [1, N], or [1, F] with GATED
@group(0) @binding(4) var<uniform> params: Params;

fn product(row: u32, lane: Lane) -> f32 {
  var sum = 0.0;
  for (var k = lane.index; k < params.inner; k += WORKGROUP_SIZE) {
    sum += x[k] * weight[row * params.inner + k];
  }
  return workgroup_sum(sum, lane);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let col = group.x + group.y * groups.x;
  if (col >= params.cols) {
    return;
  }
  var value = product(col, lane);
  if (GATED == 1u) {
    value = silu(value) * product(col + params.cols, lane);
  } else {
    if (HAS_BIAS == 1u) {
      value += bias[col];
    }
    value = activate(value);
  }
  if (lane.index == 0u) {
    if (ACCUMULATE == 1u) {
      value += y[col];
    }
    y[col] = value;
  }
}
