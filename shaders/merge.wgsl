// The rows that leave a compression stage, view by view: the rows before the cells (class token), the primary cells, then
// one cell a cluster. Each seat of it is the sum of that seat of its members, weighted by importance (eq. 7) or, with
// NORMALIZED, by their share of it; a cell has one weight for all its seats.
// One workgroup a row. Needs lib/reduce and WORKGROUP_SIZE, NORMALIZED.

const SMALLEST_SUM = 1e-12; // of importance; below it the quotient is noise, and the plain mean is used

struct Params {
  width: u32, // C
  first: u32, // rows of a view before its cells
  seats: u32, // S
  primary: u32, // k
  redundant: u32, // R
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [B, first + (k + R) * S, C]
@group(0) @binding(1) var<storage, read> order: array<u32>; // [B, k + R], primary then redundant
@group(0) @binding(2) var<storage, read> scores: array<f32>; // [B, k + R], importance
@group(0) @binding(3) var<storage, read> labels: array<u32>; // [B, R]
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [B, first + (k + c) * S, C]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = group.x;
  let view = group.y;
  let first_cell = view * (params.primary + params.redundant); // in order and scores
  let first_row = view * (params.first + (params.primary + params.redundant) * params.seats); // in x
  let to = (view * groups.x + row) * params.width;
  if (row < params.first + params.primary * params.seats) {
    var source = row;
    if (row >= params.first) {
      let place = row - params.first;
      source = params.first + order[first_cell + place / params.seats] * params.seats + place % params.seats;
    }
    for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
      y[to + c] = x[(first_row + source) * params.width + c];
    }
    return;
  }

  let place = row - params.first - params.primary * params.seats;
  let cluster = place / params.seats;
  let seat_row = first_row + params.first + place % params.seats; // of cell 0
  let first_redundant = first_cell + params.primary; // in order
  let first_label = view * params.redundant;
  var importance = 0.0;
  var members = 0.0;
  for (var r = lane.index; r < params.redundant; r += WORKGROUP_SIZE) {
    if (labels[first_label + r] == cluster) {
      importance += scores[first_cell + order[first_redundant + r]];
      members += 1.0;
    }
  }
  let sum = workgroup_sum(importance, lane);
  let count = workgroup_sum(members, lane);
  for (var c = lane.index; c < params.width; c += WORKGROUP_SIZE) {
    var merged = 0.0;
    for (var r = 0u; r < params.redundant; r++) {
      if (labels[first_label + r] == cluster) {
        let cell = order[first_redundant + r];
        var weight = scores[first_cell + cell];
        if (NORMALIZED != 0u) {
          weight = select(weight / sum, 1.0 / count, sum < SMALLEST_SUM);
        }
        merged += weight * x[(seat_row + cell * params.seats) * params.width + c];
      }
    }
    y[to + c] = merged;
  }
}
