// The labels of one round of spherical K-Means of each view. Every row goes to its nearest cluster. Then each empty
// cluster, in ascending order, takes the row farthest from its own centre among clusters of two or more. Cosines within
// TIE of the lowest count as equal: lowest row. Sets `done` once no label changes; skips a view that is done. One
// workgroup a view.
// Needs lib/reduce and WORKGROUP_SIZE.

const TIE = 1e-6;

struct Params {
  rows: u32, // R, of a view
  clusters: u32, // c, of a view
}

@group(0) @binding(0) var<storage, read> own: array<f32>; // [B, R], cosine to the nearest centre
@group(0) @binding(1) var<storage, read_write> labels: array<u32>; // [B, R]; of the round before, or c before the first
@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>; // [B, c], scratch: members
@group(0) @binding(3) var<storage, read_write> next: array<u32>; // [B, R], nearest clusters, then labels of this round
@group(0) @binding(4) var<storage, read_write> done: array<u32>; // [B]
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> is_done: u32;
var<workgroup> empty_cluster: u32;
var<workgroup> giver: atomic<u32>;
var<workgroup> changes: atomic<u32>;

fn can_give(first_cluster: u32, row: u32) -> bool {
  return atomicLoad(&counts[first_cluster + next[row]]) >= 2u;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u) {
  let view = group.x;
  if (lane.index == 0u) {
    is_done = done[view];
  }
  if (workgroupUniformLoad(&is_done) != 0u) {
    return;
  }
  let first_row = view * params.rows;
  let end_row = first_row + params.rows;
  let first_cluster = view * params.clusters;
  for (var g = lane.index; g < params.clusters; g += WORKGROUP_SIZE) {
    atomicStore(&counts[first_cluster + g], 0u);
  }
  storageBarrier();

  for (var row = first_row + lane.index; row < end_row; row += WORKGROUP_SIZE) {
    atomicAdd(&counts[first_cluster + next[row]], 1u);
  }
  storageBarrier();

  var searched = 0u; // clusters known to have members; only invocation 0 searches
  loop {
    if (lane.index == 0u) {
      while (searched < params.clusters && atomicLoad(&counts[first_cluster + searched]) > 0u) {
        searched++;
      }
      empty_cluster = searched;
      atomicStore(&giver, end_row);
    }
    let cluster = workgroupUniformLoad(&empty_cluster);
    if (cluster >= params.clusters) {
      break;
    }
    var nearest = -2.0; // the largest negated cosine, so the lowest cosine
    for (var row = first_row + lane.index; row < end_row; row += WORKGROUP_SIZE) {
      if (can_give(first_cluster, row)) {
        nearest = max(nearest, -own[row]);
      }
    }
    let lowest = -workgroup_max(nearest, lane);
    for (var row = first_row + lane.index; row < end_row; row += WORKGROUP_SIZE) {
      if (can_give(first_cluster, row) && own[row] <= lowest + TIE) {
        atomicMin(&giver, row);
      }
    }
    workgroupBarrier();
    if (lane.index == 0u) {
      let row = atomicLoad(&giver);
      atomicSub(&counts[first_cluster + next[row]], 1u);
      atomicStore(&counts[first_cluster + cluster], 1u);
      next[row] = cluster;
    }
    storageBarrier();
  }

  for (var row = first_row + lane.index; row < end_row; row += WORKGROUP_SIZE) {
    if (labels[row] != next[row]) {
      labels[row] = next[row];
      atomicAdd(&changes, 1u);
    }
  }
  workgroupBarrier();
  if (lane.index == 0u && atomicLoad(&changes) == 0u) {
    done[view] = 1u;
  }
}
