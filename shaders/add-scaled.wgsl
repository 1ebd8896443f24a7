// Adds rows of x to y, channel by channel times `scale`.

struct Params {
  rows: u32, // T
  width: u32, // C
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, C]
@group(0) @binding(1) var<storage, read> scale: array<f32>; // [C]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [T, C]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.rows * params.width) {
    return;
  }
  y[i] += scale[i % params.width] * x[i];
}
