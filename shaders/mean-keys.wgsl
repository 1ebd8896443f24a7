// y[i, d] = mean over the heads of k[first + i, h, d].

struct Params {
  tokens: u32, // N
  first: u32,
  heads: u32,
  headWidth: u32, // D
  kStride: u32,
  kOffset: u32,
}

@group(0) @binding(0) var<storage, read> k: array<f32>; // [first + N, H, D] strided
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [N, D]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.tokens * params.headWidth) {
    return;
  }
  let start = params.kOffset + (params.first + i / params.headWidth) * params.kStride + i % params.headWidth;
  var sum = 0.0;
  for (var head = 0u; head < params.heads; head++) {
    sum += k[start + head * params.headWidth];
  }
  y[i] = sum / f32(params.heads);
}
