// y = act(W x + b), or y += act(W x + b), of one row; with GATED, y = silu(W_gate x) * W_up x. With NORMED, x is put
// through an RMS norm first: its squares are summed beside the products, which are linear in the factor that they give.
// A team of invocations reads four rows of W side by side, neighbours reading neighbouring chunks, and each chunk of x once
// for the four.
// Needs lib/part-*, lib/chunk-*, lib/team*, lib/activation, WORKGROUP_SIZE, SLOTS (fours of rows a workgroup), GATED and NORMED.

alias Value = f32;

const OUTPUTS = select(4u, 2u, GATED == 1u); // of four rows of W

struct Params {
  cols: u32, // N, or F with GATED
  inner: u32, // K in chunks
  scales: u32, // of packed weights, see lib/chunk-*
  has_bias: u32,
  accumulate: u32,
  width: u32, // K
  eps: f32, // of the norm
}

@group(0) @binding(0) var<storage, read> x: array<Part>; // [1, K]
@group(0) @binding(1) var<storage, read> weight: array<Stored>; // [N, K], or [2 F, K] with GATED
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [N], or anything without has_bias
@group(0) @binding(3) var<storage, read> norm: array<Part>; // [K], or anything without NORMED
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [1, N], or [1, F] with GATED
@group(0) @binding(5) var<uniform> params: Params;

// The four rows of W that outputs from `first` on are made of; rows beyond the matrix repeat the last one.
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
    value = silu(value) * products[output + 2u];
  } else {
    if (params.has_bias != 0u) {
      value += bias[col];
    }
    value = activate(value);
  }
  if (params.accumulate != 0u) {
    value += y[col];
  }
  y[col] = value;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(input: TeamInput, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first_of_group = (group.x + group.y * groups.x) * SLOTS * OUTPUTS;
  if (first_of_group >= params.cols) {
    return;
  }
  let team = find_team(input);
  // As many rounds as a single team needs; with more teams the late rounds are empty. All teams go through all rounds,
  // because a sum must be met by every invocation.
  for (var round = 0u; round < SLOTS; round++) {
    let slot = round * team.count + team.index;
    let first = first_of_group + slot * OUTPUTS;
    let at = weight_rows(first) * params.inner;
    let end = select(0u, params.inner, slot < SLOTS);
    var sums = vec4f();
    var squares = 0.0;
    for (var k = team.lane; k < end; k += team.size) {
      var piece: Chunk;
      for (var i = 0u; i < CHUNK; i++) {
        piece[i] = x[k * CHUNK + i];
        if (NORMED == 1u) {
          squares += part_dot(piece[i], piece[i]);
          piece[i] *= norm[k * CHUNK + i];
        }
      }
      sums += chunk_products(at + k, &piece);
    }
    var products = team_sum(sums, team);
    if (NORMED == 1u) {
      products *= inverseSqrt(team_sum(vec4f(squares), team).x / f32(params.width) + params.eps);
    }
    let col = first + team.lane;
    if (slot < SLOTS && team.lane < OUTPUTS && col < params.cols) {
      finish(col, products, team.lane);
    }
  }
}
