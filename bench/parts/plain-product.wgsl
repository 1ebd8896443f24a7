// A plain product y = x W^T in registers: each invocation loads for itself and computes ROWS x 4 outputs, a workgroup 8
// x 8 such blocks. A reference for other kernels. Needs ROWS, and Part and Block, of f32 or f16.

struct Params {
  rows: u32, // M
  cols: u32, // N
  inner: u32, // K in vec4f
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [M, K]
@group(0) @binding(1) var<storage, read> weight: array<vec4f>; // [N, K]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [M, N]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row0 = id.y * ROWS;
  let col0 = id.x * 4u;
  var sums: array<vec4f, ROWS>;
  for (var k = 0u; k < params.inner; k++) {
    var block: Block;
    for (var c = 0u; c < 4u; c++) {
      block[c] = Part(weight[min(col0 + c, params.cols - 1u) * params.inner + k]);
    }
    for (var r = 0u; r < ROWS; r++) {
      sums[r] += vec4f(Part(x[min(row0 + r, params.rows - 1u) * params.inner + k]) * block);
    }
  }
  for (var r = 0u; r < ROWS; r++) {
    for (var c = 0u; c < 4u; c++) {
      if (row0 + r < params.rows && col0 + c < params.cols) {
        y[(row0 + r) * params.cols + col0 + c] = sums[r][c];
      }
    }
  }
}
