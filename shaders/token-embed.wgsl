// y[t, :] = weight[ids[t], :]. Rows whose id is NO_TOKEN are left as they are: image tokens go there.
// Needs lib/part-* and lib/weight-*.

const NO_TOKEN: u32 = 0xffffffffu;

struct Params {
  rows: u32,
  width: u32, // in Parts
  scales: u32, // of packed weights, see lib/weight-*
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
  let token = ids[i / params.width];
  if (token != NO_TOKEN) {
    y[i] = weight_part(token * params.width + i % params.width);
  }
}
