// Adds rows of x to y, channel by channel times `scale`, or times its tanh.
// Needs lib/soft-cap.

struct Params {
  rows: u32, // T
  width: u32, // C
  scaleWidth: u32, // C, or 1 where all channels share a number
  cap: f32, // 1 for the tanh of `scale`, 0 for `scale` itself
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, C]
@group(0) @binding(1) var<storage, read> scale: array<f32>; // [C] or [1]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [T, C]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.rows * params.width) {
    return;
  }
  y[i] += soft_cap(vec4f(scale[i % params.scaleWidth]), params.cap).x * x[i];
}
