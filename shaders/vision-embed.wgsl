// The encoder's input sequence: y[t, c] = token + positions[t, c], where the tokens are the class token, if any, and then
// the patches. Needs CLASS_TOKENS (0 or 1).

struct Params {
  rows: u32,
  width: u32,
}

@group(0) @binding(0) var<storage, read> patch_embeddings: array<f32>; // [N, C]
@group(0) @binding(1) var<storage, read> class_embedding: array<f32>; // [C]; not read without a class token
@group(0) @binding(2) var<storage, read> positions: array<f32>; // [T, C], T = N + CLASS_TOKENS
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, C]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.rows * params.width) {
    return;
  }
  let class_length = CLASS_TOKENS * params.width;
  if (i < class_length) {
    y[i] = class_embedding[i] + positions[i];
  } else {
    y[i] = patch_embeddings[i - class_length] + positions[i];
  }
}
