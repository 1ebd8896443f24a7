// Cuts pictures into rows of patches, so that the patch convolution is a matmul. y is [b, n, (channel, v, u)], or [b,
// n, (v, u, channel)] for a linear layer over flattened patches. Patches are in cell order. A still picture may stand
// for several equal frames: y[b, n, (channel, frame, v, u)]. Needs lib/cells.

struct Params {
  views: u32, // B
  height: u32, // H, pixels
  width: u32, // W, pixels
  patchSize: u32, // P, pixels
  cell: u32, // side of a cell, patches
  channelsLast: u32, // 1: the channels of a pixel are neighbours in y
  frames: u32, // F
}

@group(0) @binding(0) var<storage, read> pixels: array<f32>; // [B, 3, H, W]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [B * N * S, 3 * F * P * P]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let size = params.patchSize;
  let row_length = 3u * params.frames * size * size;
  let cols = params.width / size;
  let patches = params.height / size * cols; // of a view
  if (i >= params.views * patches * row_length) {
    return;
  }
  let row = i / row_length;
  let patch_start = patch_at(row % patches, cols, params.cell) * size;
  let component = i % row_length;
  let is_last = params.channelsLast == 1u;
  let channel = select(component / (params.frames * size * size), component % 3u, is_last);
  let pixel = select(component % (size * size), component / 3u, is_last);
  let v = patch_start.x + pixel / size;
  let u = patch_start.y + pixel % size;
  y[i] = pixels[((row / patches * 3u + channel) * params.height + v) * params.width + u];
}
