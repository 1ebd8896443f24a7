// A gated causal convolution over the last few rows (LFM2). A row of the input holds B, C and X side by side. u = B * X
// becomes the row's state, in a ring of the last rows. y[t, w] = C[t, w] * sum_j weight[w, j] * u[t - (TAPS - 1) + j,
// w], with zeros before row 0. One invocation a value. Every row multiplies the rows of this chunk that it needs again,
// so that no barrier is needed.
// Needs TAPS and WORKGROUP_SIZE.

struct Params {
  rows: u32,
  width: u32, // W
  firstRow: u32, // row of the sequence that row 0 is
  stateRows: u32, // S
}

@group(0) @binding(0) var<storage, read> bcx: array<f32>; // [T, 3 W]
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [W, TAPS]
@group(0) @binding(2) var<storage, read_write> state: array<f32>; // [S, W], row r of the sequence at r % S
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, W]
@group(0) @binding(4) var<uniform> params: Params;

fn product(row: u32, w: u32) -> f32 {
  let start = row * 3u * params.width + w;
  return bcx[start] * bcx[start + 2u * params.width];
}

fn state_at(row: u32, w: u32) -> u32 {
  return row % params.stateRows * params.width + w;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (at >= params.rows * params.width) {
    return;
  }
  let row = at / params.width;
  let w = at % params.width;
  var sum = 0.0;
  for (var j = 0u; j < TAPS; j++) {
    let back = TAPS - 1u - j; // rows before this one
    if (back <= row) {
      sum += weight[w * TAPS + j] * product(row - back, w);
    } else if (back <= params.firstRow + row) {
      sum += weight[w * TAPS + j] * state[state_at(params.firstRow + row - back, w)];
    }
  }
  state[state_at(params.firstRow + row, w)] = product(row, w);
  y[at] = bcx[(row * 3u + 1u) * params.width + w] * sum;
}
