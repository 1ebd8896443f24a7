// Renumbers the clusters of each view by their smallest member: row 0 is in cluster 0, the first row outside it in
// cluster 1, and so on. One workgroup a view.

const WORKGROUP_SIZE = 256u;
const MAX_ROWS = 16384u;

struct Params {
  rows: u32, // R, of a view, at most MAX_ROWS
}

@group(0) @binding(0) var<storage, read> labels: array<u32>; // [B, R]
@group(0) @binding(1) var<storage, read_write> numbers: array<u32>; // [B, R]
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> is_leader: array<atomic<u32>, MAX_ROWS / 32u>; // a bit a row: the smallest of its cluster

// The smallest row of the view in the cluster of `row`.
fn leader_of(start: u32, row: u32) -> u32 {
  let label = labels[start + row];
  var leader = 0u;
  while (labels[start + leader] != label) {
    leader++;
  }
  return leader;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let start = group.x * params.rows;
  for (var row = lane; row < params.rows; row += WORKGROUP_SIZE) {
    if (leader_of(start, row) == row) {
      atomicOr(&is_leader[row / 32u], 1u << (row % 32u));
    }
  }
  workgroupBarrier();
  for (var row = lane; row < params.rows; row += WORKGROUP_SIZE) {
    let leader = leader_of(start, row);
    var number = 0u;
    for (var word = 0u; word < leader / 32u; word++) {
      number += countOneBits(atomicLoad(&is_leader[word]));
    }
    numbers[start + row] = number + countOneBits(extractBits(atomicLoad(&is_leader[leader / 32u]), 0u, leader % 32u));
  }
}
