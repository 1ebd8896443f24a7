// Limits values softly, in place: cap * tanh(value / cap).
// Needs lib/soft-cap and WORKGROUP_SIZE.

struct Params {
  count: u32,
  cap: f32,
}

@group(0) @binding(0) var<storage, read_write> values: array<f32>; // [count]
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (at < params.count) {
    values[at] = soft_cap(vec4f(values[at]), params.cap).x;
  }
}
