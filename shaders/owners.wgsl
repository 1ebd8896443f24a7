// Which original cell of its view owns each cell, through a compression stage: the one whose position it takes. A primary
// cell keeps its owner. A cluster has the owner of its member of highest importance (ties: lowest index).

struct Params {
  primary: u32, // k
  redundant: u32, // R
  outputs: u32, // k + c
  views: u32, // B
}

@group(0) @binding(0) var<storage, read> x: array<u32>; // [B, N]
@group(0) @binding(1) var<storage, read> order: array<u32>; // [B, N], primary then redundant
@group(0) @binding(2) var<storage, read> scores: array<f32>; // [B, N], importance
@group(0) @binding(3) var<storage, read> labels: array<u32>; // [B, R]
@group(0) @binding(4) var<storage, read_write> y: array<u32>; // [B, k + c]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.views * params.outputs) {
    return;
  }
  let view = i / params.outputs;
  let output = i % params.outputs;
  let first_cell = view * (params.primary + params.redundant);
  if (output < params.primary) {
    y[i] = x[first_cell + order[first_cell + output]];
    return;
  }
  var owner = 0u;
  var highest = -1.0; // importance is a weight, so at least 0
  for (var r = 0u; r < params.redundant; r++) {
    if (labels[view * params.redundant + r] == output - params.primary) {
      let member = first_cell + order[first_cell + params.primary + r];
      if (scores[member] > highest) {
        highest = scores[member];
        owner = x[member];
      }
    }
  }
  y[i] = owner;
}
