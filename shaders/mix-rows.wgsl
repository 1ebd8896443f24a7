// Makes each row of y a weighted sum of K rows of x, or adds the sum to it. A tap of weight 0 is not read.

struct Params {
  rows: u32, // T
  width: u32, // C
  taps: u32, // K
  accumulate: u32, // 1 adds to y
  first: u32, // row of x that source 0 stands for
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [A, C]
@group(0) @binding(1) var<storage, read> sources: array<u32>; // [T, K], rows of x from `first` on
@group(0) @binding(2) var<storage, read> weights: array<f32>; // [T, K]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, C]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.rows * params.width) {
    return;
  }
  let first = i / params.width * params.taps;
  let c = i % params.width;
  var sum = 0.0;
  if (params.accumulate == 1u) {
    sum = y[i];
  }
  for (var k = first; k < first + params.taps; k++) {
    if (weights[k] != 0.0) {
      sum += weights[k] * x[(params.first + sources[k]) * params.width + c];
    }
  }
  y[i] = sum;
}
