// DivPrune (arXiv 2503.02175): chooses `kept` rows of each view that lie far from each other, by distance = 1 - cosine.
// The rows before the cells of a view (class token) take no part and are not counted.
// The first row is the one whose nearest other row is farthest. Each next row is the one whose nearest kept row is
// farthest. Distances within TIE of the best count as equal: lowest index. Cosines come from the products of all pairs
// of rows, and every row keeps its running nearest, so that a choice reads one row of the products. One workgroup a
// view.
// Needs lib/reduce and WORKGROUP_SIZE.

const TIE = 1e-6;
const KEPT = 4.0; // above every cosine, so that a kept row is never the farthest

struct Params {
  first: u32, // rows of a view before its cells
  rows: u32, // n, cells of a view
  kept: u32, // k
}

@group(0) @binding(0) var<storage, read> products: array<f32>; // [B, first + n, first + n], x x^T; symmetric
@group(0) @binding(1) var<storage, read_write> nearest: array<f32>; // [B, n], scratch: largest cosine to a kept row
@group(0) @binding(2) var<storage, read_write> chosen: array<u32>; // [B, k], in order of choice
@group(0) @binding(3) var<storage, read_write> order: array<u32>; // [B, n], kept rows ascending, then the others ascending
@group(0) @binding(4) var<uniform> params: Params;

// Neighbouring invocations have neighbouring rows `a`, so that reads are runs of memory.
fn product(view: u32, a: u32, b: u32) -> f32 {
  let all_rows = params.first + params.rows;
  return products[(view * all_rows + params.first + b) * all_rows + params.first + a];
}

// A row of zeros has cosine 0 with every row.
fn inverse_length(view: u32, row: u32) -> f32 {
  let squares = product(view, row, row);
  return select(0.0, 1.0 / sqrt(squares), squares > 0.0);
}

fn cosine(view: u32, a: u32, b: u32) -> f32 {
  return product(view, a, b) * inverse_length(view, a) * inverse_length(view, b);
}

// The row whose `nearest` is smallest. Indices go through the reduction as f32, which holds them exactly.
fn farthest(first_row: u32, lane: Lane) -> u32 {
  var smallest = KEPT;
  for (var row = lane.index; row < params.rows; row += WORKGROUP_SIZE) {
    smallest = min(smallest, nearest[first_row + row]);
  }
  let limit = -workgroup_max(-smallest, lane) + TIE;
  var lowest = params.rows;
  for (var row = lane.index; row < params.rows; row += WORKGROUP_SIZE) {
    if (nearest[first_row + row] <= limit) {
      lowest = min(lowest, row);
    }
  }
  return u32(-workgroup_max(-f32(lowest), lane));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u) {
  let view = group.x;
  let first_row = view * params.rows; // in nearest and order
  for (var row = lane.index; row < params.rows; row += WORKGROUP_SIZE) {
    var largest = -2.0;
    for (var other = 0u; other < params.rows; other++) {
      if (other != row) {
        largest = max(largest, cosine(view, row, other));
      }
    }
    nearest[first_row + row] = largest;
  }
  var newest = farthest(first_row, lane);
  for (var row = lane.index; row < params.rows; row += WORKGROUP_SIZE) {
    nearest[first_row + row] = -2.0;
  }

  for (var count = 1u; ; count++) {
    if (lane.index == 0u) {
      chosen[view * params.kept + count - 1u] = newest;
    }
    for (var row = lane.index; row < params.rows; row += WORKGROUP_SIZE) {
      let closer = max(nearest[first_row + row], cosine(view, row, newest));
      nearest[first_row + row] = select(closer, KEPT, row == newest);
    }
    if (count == params.kept) {
      break;
    }
    newest = farthest(first_row, lane);
  }
  storageBarrier();

  for (var row = lane.index; row < params.rows; row += WORKGROUP_SIZE) {
    var kept_before = 0u;
    for (var i = 0u; i < params.kept; i++) {
      kept_before += u32(chosen[view * params.kept + i] < row);
    }
    let is_kept = nearest[first_row + row] == KEPT;
    order[first_row + select(params.kept + row - kept_before, kept_before, is_kept)] = row;
  }
}
