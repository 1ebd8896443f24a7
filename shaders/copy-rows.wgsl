// y[y_row + t, y_column + c] = x[x_row + t, c] for t < rows and c < width, or added to it. A dispatch, so that it stays
// inside the compute pass.

struct Params {
  rows: u32,
  width: u32,
  x_row: u32,
  y_row: u32,
  accumulate: u32, // 1: adds to y
  y_width: u32,
  y_column: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [A, C]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [B, y_width]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < params.rows * params.width) {
    let row = params.y_row + i / params.width;
    let to = row * params.y_width + params.y_column + i % params.width;
    let value = x[params.x_row * params.width + i];
    y[to] = select(value, y[to] + value, params.accumulate == 1u);
  }
}
