// Averages windows of `factor` x `factor` patches of a G x G grid; those at the right and bottom edge over what they hold.

struct Params {
  grid: u32, // G
  factor: u32,
  width: u32, // C
  first: u32, // rows of x in front of the grid
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [first + G * G, C]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [first + S * S, C], S = ceil(G / factor)
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let side = (params.grid + params.factor - 1u) / params.factor;
  if (i >= (params.first + side * side) * params.width) {
    return;
  }
  if (i < params.first * params.width) {
    y[i] = x[i];
    return;
  }
  let window = i / params.width - params.first;
  let c = i % params.width;
  let top = window / side * params.factor;
  let left = window % side * params.factor;
  let bottom = min(top + params.factor, params.grid);
  let right = min(left + params.factor, params.grid);
  var sum = 0.0;
  for (var v = top; v < bottom; v++) {
    for (var u = left; u < right; u++) {
      sum += x[(params.first + v * params.grid + u) * params.width + c];
    }
  }
  y[i] = sum / f32((bottom - top) * (right - left));
}
