// A plain copy: the memory bandwidth of this adapter, as a reference for other kernels.

struct Params {
  parts: u32, // vec4f
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [parts]
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>; // [parts]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let step = groups.x * 256u;
  for (var i = id.x; i < params.parts; i += step) {
    y[i] = x[i];
  }
}
