// positions[row + i] = base + owners[xRow + i]: the original positions of image tokens. Their owners exist only on the
// GPU.

struct Params {
  tokens: u32,
  xRow: u32,
  row: u32,
  base: u32,
}

@group(0) @binding(0) var<storage, read> owners: array<u32>; // [n]
@group(0) @binding(1) var<storage, read_write> positions: array<u32>; // [R]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.tokens) {
    positions[params.row + id.x] = params.base + owners[params.xRow + id.x];
  }
}
