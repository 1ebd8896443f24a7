// The labels of one round of spherical K-Means, in one workgroup: every row goes to the cluster of the largest cosine,
// then each empty cluster, in ascending order, takes the row farthest from its own centre among clusters of two or more.
// Cosines within TIE of the best count as equal: lowest cluster, lowest row. Sets `done` once no label changes; a round
// that is already done does nothing.
// Needs lib/reduce and WORKGROUP_SIZE.

const TIE = 1e-6;

struct Params {
  rows: u32, // R
  clusters: u32, // c
}

@group(0) @binding(0) var<storage, read> cosines: array<f32>; // [R, c]
@group(0) @binding(1) var<storage, read_write> labels: array<u32>; // [R]; of the round before, or c before the first
@group(0) @binding(2) var<storage, read_write> own: array<f32>; // [R], scratch: cosine to the own centre
@group(0) @binding(3) var<storage, read_write> counts: array<atomic<u32>>; // [c], scratch: members
@group(0) @binding(4) var<storage, read_write> next: array<u32>; // [R], scratch: labels of this round
@group(0) @binding(5) var<storage, read_write> done: array<u32>; // [1]
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> is_done: u32;
var<workgroup> empty_cluster: u32;
var<workgroup> giver: atomic<u32>;
var<workgroup> changes: atomic<u32>;

fn can_give(row: u32) -> bool {
  return atomicLoad(&counts[next[row]]) >= 2u;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane) {
  if (lane.index == 0u) {
    is_done = done[0];
  }
  if (workgroupUniformLoad(&is_done) != 0u) {
    return;
  }
  for (var g = lane.index; g < params.clusters; g += WORKGROUP_SIZE) {
    atomicStore(&counts[g], 0u);
  }
  storageBarrier();

  for (var row = lane.index; row < params.rows; row += WORKGROUP_SIZE) {
    let start = row * params.clusters;
    var best = cosines[start];
    for (var g = 1u; g < params.clusters; g++) {
      best = max(best, cosines[start + g]);
    }
    var label = 0u;
    while (cosines[start + label] < best - TIE) {
      label++;
    }
    next[row] = label;
    own[row] = cosines[start + label];
    atomicAdd(&counts[label], 1u);
  }
  storageBarrier();

  var searched = 0u; // clusters that are known to have members; only invocation 0 looks
  loop {
    if (lane.index == 0u) {
      while (searched < params.clusters && atomicLoad(&counts[searched]) > 0u) {
        searched++;
      }
      empty_cluster = searched;
      atomicStore(&giver, params.rows);
    }
    let cluster = workgroupUniformLoad(&empty_cluster);
    if (cluster >= params.clusters) {
      break;
    }
    var nearest = -2.0; // the largest negated cosine, so the lowest cosine
    for (var row = lane.index; row < params.rows; row += WORKGROUP_SIZE) {
      if (can_give(row)) {
        nearest = max(nearest, -own[row]);
      }
    }
    let lowest = -workgroup_max(nearest, lane);
    for (var row = lane.index; row < params.rows; row += WORKGROUP_SIZE) {
      if (can_give(row) && own[row] <= lowest + TIE) {
        atomicMin(&giver, row);
      }
    }
    workgroupBarrier();
    if (lane.index == 0u) {
      let row = atomicLoad(&giver);
      atomicSub(&counts[next[row]], 1u);
      atomicStore(&counts[cluster], 1u);
      next[row] = cluster;
    }
    storageBarrier();
  }

  for (var row = lane.index; row < params.rows; row += WORKGROUP_SIZE) {
    if (labels[row] != next[row]) {
      labels[row] = next[row];
      atomicAdd(&changes, 1u);
    }
  }
  workgroupBarrier();
  if (lane.index == 0u && atomicLoad(&changes) == 0u) {
    done[0] = 1u;
  }
}
