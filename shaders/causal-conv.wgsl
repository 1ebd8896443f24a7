// A depthwise causal convolution, then SiLU: y[t, c] = silu(sum_j weight[c, j] * x[t - (TAPS - 1) + j, c]), with the rows before
// row 0 from a state, or zeros. The last TAPS - 1 rows of x become the new state, oldest first.
// One invocation a channel and block of BLOCK rows. Only the first block's invocation reads and writes the channel's
// state.
// Needs TAPS, BLOCK and WORKGROUP_SIZE.

struct Params {
  rows: u32,
  width: u32, // C
  stride: u32, // elements from a row of x to the next
  hasState: u32, // 0: zeros stand before row 0
  stateFrom: u32, // first element of the old state
  stateTo: u32, // and of the new one
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // [T, stride], the first C of each row
@group(0) @binding(1) var<storage, read> weight: array<f32>; // [C, TAPS], the last one for the row itself
@group(0) @binding(2) var<storage, read_write> state: array<f32>; // [TAPS - 1, C] at stateFrom and stateTo
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, C]
@group(0) @binding(4) var<uniform> params: Params;

const KEPT = TAPS - 1u;

fn silu(value: f32) -> f32 {
  return value / (1.0 + exp(-clamp(value, -88.0, 88.0)));
}

// Row `place - KEPT`: those below 0 are the state's.
fn value_at(place: u32, c: u32) -> f32 {
  if (place >= KEPT) {
    return x[(place - KEPT) * params.stride + c];
  }
  if (params.hasState == 0u) {
    return 0.0;
  }
  return state[params.stateFrom + place * params.width + c];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let index = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  let c = index % params.width;
  let first = index / params.width * BLOCK;
  if (first >= params.rows) {
    return;
  }
  for (var t = first; t < min(first + BLOCK, params.rows); t++) {
    var sum = 0.0;
    for (var j = 0u; j < TAPS; j++) {
      sum += weight[c * TAPS + j] * value_at(t + j, c);
    }
    y[t * params.width + c] = silu(sum);
  }
  if (first > 0u) {
    return;
  }
  // Read before written: both states may be at the same place.
  for (var j = 0u; j < KEPT; j++) {
    state[params.stateTo + j * params.width + c] = value_at(params.rows + j, c);
  }
}
