// LLaVA-PruMerge's rows, view by view: the rows before the cells, the kept cells, and last the importance-weighted sum
// of all dropped cells. Each kept cell adds the weighted sum of its NEIGHBOURS nearest dropped ones (all, if fewer;
// ties: lower index). Sums go seat by seat. One workgroup a row.

const WORKGROUP_SIZE = 64u;
const NEIGHBOURS = 32u;
const MAX_DROPPED = 16384u;

struct Params {
  width: u32, // C
  first: u32, // rows of a view before its cells
  seats: u32, // S
  kept: u32, // k
  dropped: u32, // R, at most MAX_DROPPED
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [B, first + (k + R) * S, C]
@group(0) @binding(1) var<storage, read> order: array<u32>; // [B, k + R], kept then dropped
@group(0) @binding(2) var<storage, read> scores: array<f32>; // [B, k + R], importance
@group(0) @binding(3) var<storage, read> cosines: array<f32>; // [B, k, R]
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [B, first + (k + 1) * S, C]
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> is_near: array<atomic<u32>, MAX_DROPPED / 32u>; // a bit a dropped cell

// Marks the dropped cells nearest to the kept cell whose cosines begin at `start`.
fn mark_near(start: u32, lane: u32) {
  for (var r = lane; r < params.dropped; r += WORKGROUP_SIZE) {
    let cosine = cosines[start + r];
    var nearer = 0u;
    for (var other = 0u; other < params.dropped; other++) {
      let value = cosines[start + other];
      nearer += u32(value > cosine || (value == cosine && other < r));
    }
    if (nearer < NEIGHBOURS) {
      atomicOr(&is_near[r / 32u], 1u << (r % 32u));
    }
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let row = group.x;
  let view = group.y;
  let first_cell = view * (params.kept + params.dropped); // in order and scores
  let first_row = view * (params.first + (params.kept + params.dropped) * params.seats); // in x
  let is_before = row < params.first;
  let place = select(row - params.first, 0u, is_before);
  let cell = place / params.seats; // of the view's new cells
  let seat_row = first_row + params.first + place % params.seats; // of cell 0
  let is_sum = !is_before && cell == params.kept;
  if (!is_before && !is_sum) {
    mark_near((view * params.kept + cell) * params.dropped, lane);
  }
  workgroupBarrier();

  for (var c = lane; c < params.width; c += WORKGROUP_SIZE) {
    var value = 0.0;
    if (is_before) {
      value = x[(first_row + row) * params.width + c];
    } else {
      if (!is_sum) {
        value = x[(seat_row + order[first_cell + cell] * params.seats) * params.width + c];
      }
      for (var r = 0u; r < params.dropped; r++) {
        if (is_sum || extractBits(atomicLoad(&is_near[r / 32u]), r % 32u, 1u) == 1u) {
          let dropped = order[first_cell + params.kept + r];
          value += scores[first_cell + dropped] * x[(seat_row + dropped * params.seats) * params.width + c];
        }
      }
    }
    y[(view * groups.x + row) * params.width + c] = value;
  }
}
