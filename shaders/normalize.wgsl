// Rectangles of a canvas to views of a batch, packed bytes to planes, alpha dropped:
// y[v, c, i, j] = (channel c of x[top + i, left + j] * rescale - mean[c]) / std[c]. One invocation a pixel, j fastest.

struct Params {
  rectangles: u32, // R
  width: u32, // W of a view
  height: u32, // H of a view
  stride: u32, // pixels from a row of x to the next
  rescale: f32,
  meanRed: f32,
  meanGreen: f32,
  meanBlue: f32,
  stdRed: f32,
  stdGreen: f32,
  stdBlue: f32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>; // [rows, stride] RGBA8, red in the low byte
@group(0) @binding(1) var<storage, read> places: array<u32>; // [R, 3]: left, top, view v
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [B, 3, H, W]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * 64u;
  let pixels = params.width * params.height;
  if (index >= params.rectangles * pixels) {
    return;
  }
  let place = (index / pixels) * 3u;
  let pixel = index % pixels;
  let column = places[place] + pixel % params.width;
  let row = places[place + 1u] + pixel / params.width;
  let bytes = vec3f((vec3u(x[row * params.stride + column]) >> vec3u(0u, 8u, 16u)) & vec3u(255u));
  let mean = vec3f(params.meanRed, params.meanGreen, params.meanBlue);
  let deviation = vec3f(params.stdRed, params.stdGreen, params.stdBlue);
  let values = (bytes * params.rescale - mean) / deviation;
  let at = places[place + 2u] * 3u * pixels + pixel;
  y[at] = values.r;
  y[at + pixels] = values.g;
  y[at + 2u * pixels] = values.b;
}
