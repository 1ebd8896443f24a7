// positions[row + i] = base + the anchor of token xRow + i: original positions of image tokens, whose anchors only the
// GPU knows. An anchor is the last word of a token's row of origins.

struct Params {
  tokens: u32,
  words: u32, // of a row of origins before the anchor
  xRow: u32,
  row: u32,
  base: u32,
}

@group(0) @binding(0) var<storage, read> origins: array<u32>; // [n, words + 1]
@group(0) @binding(1) var<storage, read_write> positions: array<u32>; // [R]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.tokens) {
    let anchor = origins[(params.xRow + id.x) * (params.words + 1u) + params.words];
    positions[params.row + id.x] = params.base + anchor;
  }
}
