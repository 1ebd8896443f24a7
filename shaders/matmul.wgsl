// y = act(x W^T + b), or y += act(x W^T + b). One invocation an output.
// Needs lib/activation, HAS_BIAS and ACCUMULATE.

struct Params {
  rows: u32, // M
  cols: u32, // N
  inner: u32, // K
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [M, K]
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [N, K]
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [N], unused without HAS_BIAS
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [M, N]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = (group.x + group.y * groups.x) * 64u + lane;
  if (at >= params.rows * params.cols) {
    return;
  }
  let row = at / params.cols;
  let col = at % params.cols;
  var sum = 0.0;
  for (var k = 0u; k < params.inner; k++) {
    sum += x[row * params.inner + k] * weight[col * params.inner + k];
  }
  if (HAS_BIAS == 1u) {
    sum += bias[col];
  }
  var value = activate(sum);
  if (ACCUMULATE == 1u) {
    value += y[at];
  }
  y[at] = value;
}
