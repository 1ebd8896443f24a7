// Averages windows of `factor` x `factor` cells of each view, seat by seat. Windows at the right and bottom edge average
// the cells that they hold.

struct Params {
  views: u32, // B
  rows: u32, // of the grid, cells
  cols: u32, // of the grid, cells
  seats: u32, // S
  factor: u32,
  width: u32, // C
  first: u32, // rows of a view before its cells, copied as they are
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [B, first + rows * cols * S, C]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [B, first + ceil(rows / factor) * ceil(cols / factor) * S, C]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let down = (params.rows + params.factor - 1u) / params.factor;
  let across = (params.cols + params.factor - 1u) / params.factor;
  let view_rows = params.first + down * across * params.seats; // of y
  if (i >= params.views * view_rows * params.width) {
    return;
  }
  let c = i % params.width;
  let row = i / params.width % view_rows;
  let first_row = i / params.width / view_rows * (params.first + params.rows * params.cols * params.seats); // of x
  if (row < params.first) {
    y[i] = x[(first_row + row) * params.width + c];
    return;
  }
  let window = (row - params.first) / params.seats;
  let seat_row = first_row + params.first + (row - params.first) % params.seats; // of cell 0
  let top = window / across * params.factor;
  let left = window % across * params.factor;
  let bottom = min(top + params.factor, params.rows);
  let right = min(left + params.factor, params.cols);
  var sum = 0.0;
  for (var v = top; v < bottom; v++) {
    for (var u = left; u < right; u++) {
      sum += x[(seat_row + (v * params.cols + u) * params.seats) * params.width + c];
    }
  }
  y[i] = sum / f32((bottom - top) * (right - left));
}
