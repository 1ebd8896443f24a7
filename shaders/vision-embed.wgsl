// The encoder's input rows of each view: y[b, t, c] = token + position, where the tokens are the class token, if any, and
// then the patches in cell order. The position table is in raster order of the grid.
// Needs lib/cells and CLASS_TOKENS (0 or 1).

struct Params {
  rows: u32, // T, of a view
  width: u32, // C
  views: u32, // B
  cols: u32, // of the grid, patches
  cell: u32, // side of a cell, patches
}

@group(0) @binding(0) var<storage, read> patchEmbeddings: array<f32>; // [B, T - CLASS_TOKENS, C], cell order
@group(0) @binding(1) var<storage, read> classEmbedding: array<f32>; // [C]; not read without a class token
@group(0) @binding(2) var<storage, read> positions: array<f32>; // [T, C], raster order after the class token's
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [B, T, C]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.views * params.rows * params.width) {
    return;
  }
  let c = i % params.width;
  let row = i / params.width % params.rows;
  if (row < CLASS_TOKENS) {
    y[i] = classEmbedding[c] + positions[c];
    return;
  }
  let view = i / params.width / params.rows;
  let place = patch_at(row - CLASS_TOKENS, params.cols, params.cell);
  let position = CLASS_TOKENS + place.x * params.cols + place.y;
  y[i] = patchEmbeddings[i - (view + 1u) * CLASS_TOKENS * params.width] + positions[position * params.width + c];
}
