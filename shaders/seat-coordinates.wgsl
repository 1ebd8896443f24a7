// The row and the column in the grid of each seat of each cell: those of the same seat of the cell that owns it.

struct Params {
  cells: u32, // of all views
  cols: u32, // of the grid, in cells
  side: u32, // of a cell, in patches
}

@group(0) @binding(0) var<storage, read> owners: array<u32>; // [cells]
@group(0) @binding(1) var<storage, read_write> coordinates: array<u32>; // [2, cells * side * side]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let side = params.side;
  let rows = params.cells * side * side;
  if (i >= rows) {
    return;
  }
  let owner = owners[i / (side * side)];
  let seat = i % (side * side);
  coordinates[i] = owner / params.cols * side + seat / side;
  coordinates[rows + i] = owner % params.cols * side + seat % side;
}
