// y[b, r, :] = cell order[b, begin + r] of view b, all its seats as one row, scaled to length 1; a row of zeros stays.
// One workgroup a row. Needs lib/reduce and WORKGROUP_SIZE.

struct Params {
  width: u32, // S * C, of a cell
  cells: u32, // N, of a view
  skipped: u32, // first * C, of a view before its cells
  begin: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [B, first * C + N * S * C]
@group(0) @binding(1) var<storage, read> order: array<u32>; // [B, N]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [B, R, S * C]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let view = group.y;
  let view_start = view * (params.skipped + params.cells * params.width);
  let cell = order[view * params.cells + params.begin + group.x];
  let source = view_start + params.skipped + cell * params.width;
  let to = (view * groups.x + group.x) * params.width;
  var largest = 0.0;
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    largest = max(largest, abs(x[source + c]));
  }
  // Scaled by the largest component first, so that squares of tiny rows do not vanish.
  let scale = workgroup_max(largest, lane);
  let inverse = select(0.0, 1.0 / scale, scale > 0.0);
  var squares = 0.0;
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    let value = x[source + c] * inverse;
    squares += value * value;
  }
  let length = sqrt(workgroup_sum(squares, lane));
  let factor = select(0.0, inverse / length, length > 0.0);
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    y[to + c] = x[source + c] * factor;
  }
}
