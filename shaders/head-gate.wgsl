// x[t, h, c] *= sigmoid(gate[t, h, c]), where the gates of the heads are `pitch` apart in wider rows. One invocation a
// value.
// Needs WORKGROUP_SIZE.

struct Params {
  rows: u32, // T
  heads: u32, // H
  width: u32, // D
  stride: u32, // elements from a row of the gate to the next
  offset: u32, // where in a row the first head's gate begins
  pitch: u32, // elements from a head's gate to the next
}

@group(0) @binding(0) var<storage, read> gate: array<f32>; // [T, stride]
@group(0) @binding(1) var<storage, read_write> x: array<f32>; // [T, H D]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  let head = at / params.width;
  if (head >= params.rows * params.heads) {
    return;
  }
  let start = head / params.heads * params.stride + params.offset + head % params.heads * params.pitch;
  x[at] /= 1.0 + exp(-clamp(gate[start + at % params.width], -88.0, 88.0));
}
