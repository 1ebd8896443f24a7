// F, the text-to-image focus of the viewers of a chunk (paper eqs. 9-11 and the variants of its Table 5):
// F[j, c] = A[j, c] + sum over viewers h < j of w(j, h) A[h, c], where w is j's attention to h, or a power of a discount.
// 0 for columns that a viewer does not see. A triangular matrix product; NEIGHBOUR_LANES invocations share its sums.
// Needs ROW_BLOCK and COLUMN_BLOCK (viewers and columns of an invocation), COLUMN_LANES, NEIGHBOUR_LANES.

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

const BLOCK = ROW_BLOCK * COLUMN_BLOCK;

var<workgroup> partial: array<f32, THREADS * BLOCK>;

// w(j, h) of the chunk's viewer `row`; 0 from the viewer itself on.
fn weight(row: u32, h: u32) -> f32 {
  if (h >= params.firstViewer + row) {
    return 0.0;
  }
  if (params.discounted != 0u) {
    return weights[params.firstViewer + row - h];
  }
  return weights[row * (params.firstViewer + params.viewers) + h];
}

// A[h, column .. ], COLUMN_LANES apart; 0 where viewer h does not see it.
fn attention_to(h: u32, column: u32) -> array<f32, COLUMN_BLOCK> {
  let start = starts[h];
  let seen = starts[h + 1u] - start;
  var values = array<f32, COLUMN_BLOCK>();
  for (var c = 0u; c < COLUMN_BLOCK && column + c * COLUMN_LANES < seen; c++) {
    values[c] = imageAttention[start + column + c * COLUMN_LANES];
  }
  return values;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let column_lane = thread % COLUMN_LANES;
  let neighbour_lane = thread / COLUMN_LANES;
  let first_column = workgroup.x * COLUMN_LANES * COLUMN_BLOCK + column_lane;
  let first_row = workgroup.y * ROW_BLOCK;
  let last_row = min(first_row + ROW_BLOCK, params.viewers) - 1u;

  var sums = array<f32, BLOCK>(); // [row, column]
  for (var h = neighbour_lane; h < params.firstViewer + last_row; h += NEIGHBOUR_LANES) {
    let values = attention_to(h, first_column);
    for (var i = 0u; i < ROW_BLOCK; i++) {
      let w = weight(min(first_row + i, last_row), h);
      for (var c = 0u; c < COLUMN_BLOCK; c++) {
        sums[i * COLUMN_BLOCK + c] += w * values[c];
      }
    }
  }
  if (NEIGHBOUR_LANES > 1u) {
    for (var i = 0u; i < BLOCK; i++) {
      partial[i * THREADS + thread] = sums[i];
    }
    workgroupBarrier();
  }

  // The rows of a column are shared out among its invocations.
  for (var i = neighbour_lane; i < ROW_BLOCK && first_row + i <= last_row; i += NEIGHBOUR_LANES) {
    // What a viewer does not see, none before it sees: the sum is 0 there.
    let own = attention_to(params.firstViewer + first_row + i, first_column);
    for (var c = 0u; c < COLUMN_BLOCK && first_column + c * COLUMN_LANES < params.columns; c++) {
      let at = i * COLUMN_BLOCK + c;
      var sum = own[c];
      if (NEIGHBOUR_LANES > 1u) {
        for (var lane = 0u; lane < NEIGHBOUR_LANES; lane++) {
          sum += partial[at * THREADS + lane * COLUMN_LANES + column_lane];
        }
      } else {
        sum += sums[at];
      }
      focus[(first_row + i) * params.columns + first_column + c * COLUMN_LANES] = sum;
    }
  }
}
