// The scaled logits of one query row over all keys, and the log-sum-exp of each split of them. Keys that the row does
// not see have LOWEST and are not read. Inhibition reads these logits before the row attends (paper eqs. 9-11).
// A workgroup takes up to four query heads of one key head and SPLIT_KEYS keys. An invocation has four keys at a time:
// each Part that it loads serves four products.
// Needs lib/part-*, lib/cached-*, lib/key-part, lib/soft-cap, lib/reduce*, HEAD_PARTS (Parts in a head), GROUP
// (query heads a workgroup), SPLIT_KEYS and WORKGROUP_SIZE.

struct Params {
  keys: u32, // S
  heads: u32,
  keyHeads: u32,
  qOffset: u32, // stride and offsets are in Parts
  kStride: u32,
  kOffset: u32,
  scale: f32,
  cap: f32, // of lib/soft-cap
}

@group(0) @binding(0) var<storage, read> q: array<Part>; // [H, D] from qOffset
@group(0) @binding(1) var<storage, read> k: array<Cached>; // [S, Hk, D] strided
@group(0) @binding(2) var<storage, read> visible: array<vec2u>; // [1, 2], half-open key range
@group(0) @binding(3) var<storage, read_write> logits: array<f32>; // [H, S]
@group(0) @binding(4) var<storage, read_write> sums: array<f32>; // [splits, H], log-sum-exp
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) workgroup: vec3u) {
  let heads_per_key = params.heads / params.keyHeads;
  let groups = (heads_per_key + GROUP - 1u) / GROUP;
  let key_head = workgroup.x / groups;
  let first_in_key = workgroup.x % groups * GROUP;
  let first_head = key_head * heads_per_key + first_in_key;
  let count = min(GROUP, heads_per_key - first_in_key);
  // Heads beyond the group repeat its last one, and their results are dropped.
  let q0 = params.qOffset + first_head * HEAD_PARTS;
  let q1 = q0 + min(1u, count - 1u) * HEAD_PARTS;
  let q2 = q0 + min(2u, count - 1u) * HEAD_PARTS;
  let q3 = q0 + min(3u, count - 1u) * HEAD_PARTS;
  let k_start = params.kOffset + key_head * HEAD_PARTS;
  let split = workgroup.y * SPLIT_KEYS;
  let split_end = min(params.keys, split + SPLIT_KEYS);
  let start = max(split, visible[0].x);
  let end = min(split_end, visible[0].y);

  if (start > split || end < split_end) {
    for (var key = split + lane.index; key < split_end; key += WORKGROUP_SIZE) {
      for (var g = 0u; g < count && (key < start || key >= end); g++) {
        logits[(first_head + g) * params.keys + key] = LOWEST;
      }
    }
  }

  // The components are heads.
  var largest = vec4f(LOWEST);
  var sum = vec4f();
  for (var first = start + lane.index; first < end; first += 4u * WORKGROUP_SIZE) {
    let k0 = k_start + first * params.kStride;
    let k1 = k_start + min(first + WORKGROUP_SIZE, end - 1u) * params.kStride;
    let k2 = k_start + min(first + 2u * WORKGROUP_SIZE, end - 1u) * params.kStride;
    let k3 = k_start + min(first + 3u * WORKGROUP_SIZE, end - 1u) * params.kStride;
    var products = mat4x4f();
    for (var part = 0u; part < HEAD_PARTS; part++) {
      let queries = PartBlock(q[q0 + part], q[q1 + part], q[q2 + part], q[q3 + part]);
      products += mat4x4f(
        key_part(k0 + part) * queries,
        key_part(k1 + part) * queries,
        key_part(k2 + part) * queries,
        key_part(k3 + part) * queries);
    }
    var block = products * params.scale;
    for (var j = 0u; j < 4u; j++) {
      block[j] = select(vec4f(LOWEST), soft_cap(block[j], params.cap), first + j * WORKGROUP_SIZE < end);
    }
    let new_largest = max(max(largest, block[0]), max(block[1], max(block[2], block[3])));
    sum *= exp(largest - new_largest);
    largest = new_largest;
    for (var j = 0u; j < 4u; j++) {
      sum += exp(block[j] - largest);
      let key = first + j * WORKGROUP_SIZE;
      for (var g = 0u; g < count && key < end; g++) {
        logits[(first_head + g) * params.keys + key] = block[j][g];
      }
    }
  }

  for (var g = 0u; g < count; g++) {
    let of_all = workgroup_max(largest[g], lane);
    let total = workgroup_sum(sum[g] * exp(largest[g] - of_all), lane);
    if (lane.index == 0u) {
      sums[workgroup.y * params.heads + first_head + g] = select(LOWEST, of_all + log(total), total > 0.0);
    }
  }
}
