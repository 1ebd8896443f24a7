// The rows before the cells of each view, then its first k cells in `order`, all their seats. Copies words, so that
// elements may be of any type of 4 bytes.

struct Params {
  views: u32, // B
  width: u32, // S * C, of a cell
  skipped: u32, // first * C, of a view before its cells
  cells: u32, // N, of a view of x
  kept: u32, // k, of a view of y
}

@group(0) @binding(0) var<storage, read> x: array<u32>; // [B, first * C + N * S * C]
@group(0) @binding(1) var<storage, read> order: array<u32>; // [B, N]
@group(0) @binding(2) var<storage, read_write> y: array<u32>; // [B, first * C + k * S * C]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let view_length = params.skipped + params.kept * params.width;
  if (i >= params.views * view_length) {
    return;
  }
  let view = i / view_length;
  let x_start = view * (params.skipped + params.cells * params.width);
  var source = i % view_length;
  if (source >= params.skipped) {
    let place = source - params.skipped;
    let cell = order[view * params.cells + place / params.width];
    source = params.skipped + cell * params.width + place % params.width;
  }
  y[i] = x[x_start + source];
}
