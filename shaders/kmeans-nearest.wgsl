// The nearest centre of some rows in a round of spherical K-Means: the cluster of the largest cosine. Cosines within
// TIE of the best count as equal: lowest cluster. Skips the rows of a view that is done. One invocation a row.

const TIE = 1e-6;

struct Params {
  views: u32, // B
  rows: u32, // R, of a view
  clusters: u32, // c
  first: u32, // row of a view whose cosines come first
  count: u32, // n, rows of a view with cosines
}

@group(0) @binding(0) var<storage, read> cosines: array<f32>; // [B, n, c]
@group(0) @binding(1) var<storage, read> done: array<u32>; // [B]
@group(0) @binding(2) var<storage, read_write> nearest: array<u32>; // [B, R]
@group(0) @binding(3) var<storage, read_write> own: array<f32>; // [B, R], cosine to the nearest centre
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.views * params.count || done[i / params.count] != 0u) {
    return;
  }
  let start = i * params.clusters;
  var best = cosines[start];
  for (var g = 1u; g < params.clusters; g++) {
    best = max(best, cosines[start + g]);
  }
  var label = 0u;
  while (cosines[start + label] < best - TIE) {
    label++;
  }
  let row = i / params.count * params.rows + params.first + i % params.count;
  nearest[row] = label;
  own[row] = cosines[start + label];
}
