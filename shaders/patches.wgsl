// Cuts a picture into rows of patches, so that the patch convolution is a matrix product: y[n, (channel, v, u)], patches
// in raster order, components in the order of a flattened convolution weight [C, 3, P, P].

struct Params {
  size: u32, // S, pixels
  patch_size: u32, // P, pixels
  grid: u32, // patches a side, floor(S / P)
}

@group(0) @binding(0) var<storage, read> pixels: array<f32>; // [3, S, S]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [N, 3 * P * P]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let area = params.patch_size * params.patch_size;
  let width = 3u * area;
  if (i >= params.grid * params.grid * width) {
    return;
  }
  let n = i / width;
  let channel = i % width / area;
  let v = n / params.grid * params.patch_size + i % area / params.patch_size;
  let u = n % params.grid * params.patch_size + i % params.patch_size;
  y[i] = pixels[(channel * params.size + v) * params.size + u];
}
