// order[b] = the indices of the `kept` largest values of view b, ascending, then those of the rest, ascending. Of equal
// values the one of lower index is the larger. A value is kept if fewer than `kept` are larger: values are counted, not
// sorted. One workgroup a view.

const WORKGROUP_SIZE = 256u;
const MAX_COUNT = 16384u;

struct Params {
  count: u32, // N, at most MAX_COUNT
  kept: u32,
}

@group(0) @binding(0) var<storage, read> values: array<f32>; // [B, N]
@group(0) @binding(1) var<storage, read_write> order: array<u32>; // [B, N]
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> is_kept: array<atomic<u32>, MAX_COUNT / 32u>; // a bit an index

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let start = group.x * params.count;
  for (var i = lane; i < params.count; i += WORKGROUP_SIZE) {
    let value = values[start + i];
    var larger = 0u;
    for (var j = 0u; j < params.count; j++) {
      let other = values[start + j];
      larger += u32(other > value || (other == value && j < i));
    }
    if (larger < params.kept) {
      atomicOr(&is_kept[i / 32u], 1u << (i % 32u));
    }
  }
  workgroupBarrier();

  for (var i = lane; i < params.count; i += WORKGROUP_SIZE) {
    var kept_before = 0u;
    for (var word = 0u; word < i / 32u; word++) {
      kept_before += countOneBits(atomicLoad(&is_kept[word]));
    }
    let word = atomicLoad(&is_kept[i / 32u]);
    kept_before += countOneBits(extractBits(word, 0u, i % 32u));
    if (extractBits(word, i % 32u, 1u) == 1u) {
      order[start + kept_before] = i;
    } else {
      order[start + params.kept + i - kept_before] = i;
    }
  }
}
