// y[yRow + t, yColumn + c] = x[xRow + t, c] for t < rows and c < width, or added to it. A buffer copy would end the
// compute pass; this dispatch does not.

struct Params {
  rows: u32,
  width: u32,
  xRow: u32,
  yRow: u32,
  accumulate: u32, // 1: adds to y
  yWidth: u32,
  yColumn: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [A, C]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [B, yWidth]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < params.rows * params.width) {
    let row = params.yRow + i / params.width;
    let to = row * params.yWidth + params.yColumn + i % params.width;
    let value = x[params.xRow * params.width + i];
    y[to] = select(value, y[to] + value, params.accumulate == 1u);
  }
}
