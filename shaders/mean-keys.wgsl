// y[b, i, d] = mean over the heads of k[b, first + i, h, d].

struct Params {
  views: u32, // B
  rows: u32, // of a view, without the first ones
  first: u32, // rows of a view that are left out
  heads: u32,
  headWidth: u32, // D
  kStride: u32,
  kOffset: u32,
}

@group(0) @binding(0) var<storage, read> k: array<f32>; // [B * (first + rows), H, D] strided
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [B, rows, D]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.views * params.rows * params.headWidth) {
    return;
  }
  let row = i / params.headWidth;
  let source = row + (row / params.rows + 1u) * params.first;
  let start = params.kOffset + source * params.kStride + i % params.headWidth;
  var sum = 0.0;
  for (var head = 0u; head < params.heads; head++) {
    sum += k[start + head * params.headWidth];
  }
  y[i] = sum / f32(params.heads);
}
