// y[y_row + t, :] = x[x_row + t, :] for t < rows, or added to it. A dispatch, so that it stays inside the compute pass.

struct Params {
  rows: u32,
  width: u32,
  x_row: u32,
  y_row: u32,
  accumulate: u32, // 1: adds to y
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [A, C]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [B, C]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < params.rows * params.width) {
    let to = params.y_row * params.width + i;
    let value = x[params.x_row * params.width + i];
    y[to] = select(value, y[to] + value, params.accumulate == 1u);
  }
}
