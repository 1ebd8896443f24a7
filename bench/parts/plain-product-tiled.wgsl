// A plain product y = x W^T through workgroup memory: tiles of 64 x 64 outputs, 4 x 4 an invocation, 16 of K at a time.
// A reference for other kernels. Needs Part and Block, of f32 or f16.

struct Params {
  rows: u32, // M
  cols: u32, // N
  inner: u32, // K in vec4f
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [M, K]
@group(0) @binding(1) var<storage, read> weight: array<vec4f>; // [N, K]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [M, N]
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> x_tile: array<Part, 256>; // [4, 64]
var<workgroup> weight_tile: array<Part, 256>; // [4, 64]

@compute @workgroup_size(16, 16)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(local_invocation_index) index: u32,
  @builtin(workgroup_id) group: vec3u,
) {
  let row0 = group.y * 64u;
  let col0 = group.x * 64u;
  let x_from = min(row0 + index / 4u, params.rows - 1u) * params.inner;
  let weight_from = min(col0 + index / 4u, params.cols - 1u) * params.inner;
  let slot = index % 4u * 64u + index / 4u;
  var sums: array<vec4f, 4>;
  for (var start = 0u; start < params.inner; start += 4u) {
    let k = start + index % 4u;
    let inside = k < params.inner;
    x_tile[slot] = Part(select(vec4f(), x[x_from + min(k, params.inner - 1u)], inside));
    weight_tile[slot] = Part(select(vec4f(), weight[weight_from + min(k, params.inner - 1u)], inside));
    workgroupBarrier();
    for (var p = 0u; p < 4u; p++) {
      let at = p * 64u + lane.x;
      let block = Block(weight_tile[at], weight_tile[at + 16u], weight_tile[at + 32u], weight_tile[at + 48u]);
      for (var r = 0u; r < 4u; r++) {
        sums[r] += vec4f(x_tile[p * 64u + lane.y + 16u * r] * block);
      }
    }
    workgroupBarrier();
  }
  for (var r = 0u; r < 4u; r++) {
    for (var c = 0u; c < 4u; c++) {
      let row = row0 + lane.y + 16u * r;
      let col = col0 + lane.x + 16u * c;
      if (row < params.rows && col < params.cols) {
        y[row * params.cols + col] = sums[r][c];
      }
    }
  }
}
