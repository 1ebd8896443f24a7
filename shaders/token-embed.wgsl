// y[t, :] = factor * weight[ids[t] - first, :]. A row is unchanged if its id is not among the `count` from `first` on.
// The id then belongs to another part of the table, or is NO_TOKEN (the largest u32), the place of an image token.
// Needs lib/part-* and lib/weight-*.

struct Params {
  rows: u32,
  width: u32, // in Parts
  scales: u32, // of packed weights, see lib/weight-*
  first: u32, // id of the table's first row
  count: u32, // rows of the table, V
  factor: f32,
}

@group(0) @binding(0) var<storage, read> ids: array<u32>; // [T]
@group(0) @binding(1) var<storage, read> weight: array<Stored>; // [V, C]
@group(0) @binding(2) var<storage, read_write> y: array<Part>; // [T, C]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.rows * params.width) {
    return;
  }
  // An id below `first` wraps around, and NO_TOKEN stays beyond every table.
  let row = ids[i / params.width] - params.first;
  if (row < params.count) {
    y[i] = params.factor * weight_part(row * params.width + i % params.width);
  }
}
