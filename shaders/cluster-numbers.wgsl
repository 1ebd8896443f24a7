// Renumbers clusters by their smallest member: row 0 is in cluster 0, the first row outside it in cluster 1, and so on.
// In one workgroup.

const WORKGROUP_SIZE = 256u;
const MAX_ROWS = 16384u;

struct Params {
  rows: u32, // R, at most MAX_ROWS
}

@group(0) @binding(0) var<storage, read> labels: array<u32>; // [R]
@group(0) @binding(1) var<storage, read_write> numbers: array<u32>; // [R]
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> is_leader: array<atomic<u32>, MAX_ROWS / 32u>; // a bit a row: the smallest of its cluster

fn leader_of(row: u32) -> u32 {
  let label = labels[row];
  var leader = 0u;
  while (labels[leader] != label) {
    leader++;
  }
  return leader;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  for (var row = lane; row < params.rows; row += WORKGROUP_SIZE) {
    if (leader_of(row) == row) {
      atomicOr(&is_leader[row / 32u], 1u << (row % 32u));
    }
  }
  workgroupBarrier();
  for (var row = lane; row < params.rows; row += WORKGROUP_SIZE) {
    let leader = leader_of(row);
    var number = 0u;
    for (var word = 0u; word < leader / 32u; word++) {
      number += countOneBits(atomicLoad(&is_leader[word]));
    }
    numbers[row] = number + countOneBits(extractBits(atomicLoad(&is_leader[leader / 32u]), 0u, leader % 32u));
  }
}
