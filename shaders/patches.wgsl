// Cuts pictures into rows of patches, so that the patch convolution is a matmul: y[b, n, (channel, v, u)]. Patches are in
// cell order, components in the order of a flattened convolution weight [C, 3, P, P]. Needs lib/cells.

struct Params {
  views: u32, // B
  height: u32, // H, pixels
  width: u32, // W, pixels
  patchSize: u32, // P, pixels
  cell: u32, // side of a cell, patches
}

@group(0) @binding(0) var<storage, read> pixels: array<f32>; // [B, 3, H, W]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [B * N * S, 3 * P * P]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let size = params.patchSize;
  let row_length = 3u * size * size;
  let cols = params.width / size;
  let patches = params.height / size * cols; // of a view
  if (i >= params.views * patches * row_length) {
    return;
  }
  let row = i / row_length;
  let patch_start = patch_at(row % patches, cols, params.cell) * size;
  let channel = i % row_length / (size * size);
  let v = patch_start.x + i % (size * size) / size;
  let u = patch_start.y + i % size;
  y[i] = pixels[((row / patches * 3u + channel) * params.height + v) * params.width + u];
}
