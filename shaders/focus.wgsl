// F, the text-to-image focus of the viewers of a chunk (paper eqs. 9-11 and the variants of its Table 5):
// F[j, c] = A[j, c] + sum over viewers h < j of w(j, h) A[h, c], where w is j's attention to h, or a power of a discount.
// 0 for columns that a viewer does not see. A triangular matrix product; NEIGHBOUR_LANES invocations share its sums.
// Needs ROW_BLOCK (viewers of an invocation), COLUMN_LANES, NEIGHBOUR_LANES.

const THREADS = COLUMN_LANES * NEIGHBOUR_LANES;

struct Params {
  viewers: u32, // of the chunk
  firstViewer: u32, // number of its first viewer among all
  columns: u32, // n
  discounted: u32, // 1: `weights` holds the powers of the discount
}

@group(0) @binding(0) var<storage, read> weights: array<f32>; // [viewers of the chunk, viewers so far], or [viewers so far]
@group(0) @binding(1) var<storage, read> imageAttention: array<f32>; // packed [viewers so far, columns seen]
@group(0) @binding(2) var<storage, read> starts: array<u32>; // [viewers so far + 1], into imageAttention
@group(0) @binding(3) var<storage, read_write> focus: array<f32>; // [viewers of the chunk, n]
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> partial: array<f32, THREADS * ROW_BLOCK>;

// w(j, h) of the chunk's viewer `row`, for h < j.
fn weight(row: u32, h: u32) -> f32 {
  if (params.discounted != 0u) {
    return weights[params.firstViewer + row - h];
  }
  return weights[row * (params.firstViewer + params.viewers) + h];
}

// A[h, column], 0 where viewer h does not see it.
fn attention_to(h: u32, column: u32) -> f32 {
  let start = starts[h];
  if (column < starts[h + 1u] - start) {
    return imageAttention[start + column];
  }
  return 0.0;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let column_lane = thread % COLUMN_LANES;
  let neighbour_lane = thread / COLUMN_LANES;
  let column = workgroup.x * COLUMN_LANES + column_lane;
  let first_row = workgroup.y * ROW_BLOCK;
  let last_row = min(first_row + ROW_BLOCK, params.viewers) - 1u;

  var sums = array<f32, ROW_BLOCK>();
  for (var h = neighbour_lane; h < params.firstViewer + last_row; h += NEIGHBOUR_LANES) {
    let value = attention_to(h, column);
    for (var i = 0u; i < ROW_BLOCK; i++) {
      let row = min(first_row + i, last_row);
      if (h < params.firstViewer + row) {
        sums[i] += weight(row, h) * value;
      }
    }
  }
  for (var i = 0u; i < ROW_BLOCK; i++) {
    partial[i * THREADS + thread] = sums[i];
  }
  workgroupBarrier();

  // The rows of a column are shared out among its invocations.
  for (var i = neighbour_lane; i < ROW_BLOCK && first_row + i <= last_row && column < params.columns; i += NEIGHBOUR_LANES) {
    let viewer = params.firstViewer + first_row + i;
    // What a viewer does not see, none before it sees: the sum is 0 there.
    var sum = attention_to(viewer, column);
    for (var lane = 0u; lane < NEIGHBOUR_LANES; lane++) {
      sum += partial[i * THREADS + lane * COLUMN_LANES + column_lane];
    }
    focus[(first_row + i) * params.columns + column] = sum;
  }
}
