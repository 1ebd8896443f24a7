// y = act(W x + b), or y += act(W x + b), of one row; with GATED, y = act(W_gate x) * W_up x. All of it times a factor.
// Needs lib/row-product and its needs, lib/activation and GATED.

const OUTPUTS = select(4u, 2u, GATED == 1u); // of four rows of W

struct Params {
  cols: u32, // N, or F with GATED
  inner: u32, // K in chunks
  scales: u32, // of packed weights, see lib/chunk-*
  hasBias: u32,
  accumulate: u32,
  width: u32, // K
  eps: f32, // of the norm
  factor: f32,
}

@group(0) @binding(0) var<storage, read> x: array<Part>; // [1, K]
@group(0) @binding(1) var<storage, read> weight: array<Stored>; // [N, K], or [2 F, K] with GATED
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [N], or anything without hasBias
@group(0) @binding(3) var<storage, read> norm: array<Part>; // [K], or anything without NORMED
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [1, N], or [1, F] with GATED
@group(0) @binding(5) var<uniform> params: Params;

// The four rows of W for the outputs from `first` on; rows beyond the matrix repeat the last one.
fn weight_rows(first: u32) -> vec4u {
  if (GATED == 1u) {
    let f = min(vec2u(first, first + 1u), vec2u(params.cols - 1u));
    return vec4u(f, f + params.cols);
  }
  return min(first + vec4u(0u, 1u, 2u, 3u), vec4u(params.cols - 1u));
}

fn finish(col: u32, products: vec4f, output: u32) {
  var value = products[output];
  if (GATED == 1u) {
    value = activate(value) * products[output + 2u];
  } else {
    if (params.hasBias != 0u) {
      value += bias[col];
    }
    value = activate(value);
  }
  value *= params.factor;
  if (params.accumulate != 0u) {
    value += y[col];
  }
  y[col] = value;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(input: TeamInput, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  row_products(input, group.x + group.y * groups.x);
}
