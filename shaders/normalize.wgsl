// y[c, p] = (channel c of x[p] * rescale - mean[c]) / std[c]: packed bytes to planes, alpha dropped. One invocation a pixel.

struct Params {
  pixels: u32,
  rescale: f32,
  mean_red: f32,
  mean_green: f32,
  mean_blue: f32,
  std_red: f32,
  std_green: f32,
  std_blue: f32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>; // [S, S] RGBA8, red in the low byte
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [3, S, S]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let pixel = id.x + id.y * groups.x * 64u;
  if (pixel >= params.pixels) {
    return;
  }
  let bytes = vec3f((vec3u(x[pixel]) >> vec3u(0u, 8u, 16u)) & vec3u(255u));
  let mean = vec3f(params.mean_red, params.mean_green, params.mean_blue);
  let deviation = vec3f(params.std_red, params.std_green, params.std_blue);
  let values = (bytes * params.rescale - mean) / deviation;
  y[pixel] = values.r;
  y[params.pixels + pixel] = values.g;
  y[2u * params.pixels + pixel] = values.b;
}
