// Which original patches each token stands for, through a compression stage. A token's row is a bitmap over the patch
// grid and, last, its anchor: the patch whose position it takes. A primary token keeps its row; a cluster has the union
// of its members' bitmaps and the anchor of its member of highest importance (ties: lowest index).

struct Params {
  words: u32, // W, of the bitmap
  primary: u32, // k
  redundant: u32, // R
  outputs: u32, // k + c
}

@group(0) @binding(0) var<storage, read> x: array<u32>; // [N, W + 1]
@group(0) @binding(1) var<storage, read> order: array<u32>; // [N], primary then redundant
@group(0) @binding(2) var<storage, read> scores: array<f32>; // [N], importance
@group(0) @binding(3) var<storage, read> labels: array<u32>; // [R]
@group(0) @binding(4) var<storage, read_write> y: array<u32>; // [k + c, W + 1]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let stride = params.words + 1u;
  if (i >= params.outputs * stride) {
    return;
  }
  let token = i / stride;
  let word = i % stride;
  if (token < params.primary) {
    y[i] = x[order[token] * stride + word];
    return;
  }
  var bits = 0u;
  var anchor = 0u;
  var highest = -1.0; // importance is a weight, so at least 0
  for (var r = 0u; r < params.redundant; r++) {
    if (labels[r] == token - params.primary) {
      let member = order[params.primary + r];
      bits |= x[member * stride + word];
      if (scores[member] > highest) {
        highest = scores[member];
        anchor = x[member * stride + params.words];
      }
    }
  }
  y[i] = select(bits, anchor, word == params.words);
}
