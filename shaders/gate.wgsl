// y[m, f] = activate(gate[m, f]) * up[m, f], where a row of the input holds all of gate and then all of up.
// Needs lib/activation and WORKGROUP_SIZE.

alias Value = f32;

struct Params {
  rows: u32, // M
  width: u32, // F
}

@group(0) @binding(0) var<storage, read> gateUp: array<f32>; // [M, 2 F]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [M, F]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (at >= params.rows * params.width) {
    return;
  }
  let gate_at = at + at / params.width * params.width;
  y[at] = activate(gateUp[gate_at]) * gateUp[gate_at + params.width];
}
