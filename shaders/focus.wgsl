// F, the focus on image tokens of the text rows of a chunk (paper eqs. 9-11 and the variants of its Table 5), at every
// column c that text row j sees, and 0 at the others:
// F[j, c] = A[j, c] + sum over text rows h != j that j sees of w(j, h) A[h, c]
// A[h, c] is 0 where h does not see c. w is j's attention to h, or a discount to the power of their distance in text rows.
// A matrix product of bands; NEIGHBOUR_LANES invocations share its sums.
// Needs lib/text-row, ROW_BLOCK and COLUMN_BLOCK (text rows and columns of an invocation), COLUMN_LANES, NEIGHBOUR_LANES.

const THREADS = COLUMN_LANES * NEIGHBOUR_LANES;

struct Params {
  count: u32, // text rows of the chunk
  firstTextRow: u32, // number of the first of them
  columns: u32, // n
  discounted: u32, // 1: `weights` holds the powers of the discount
}

@group(0) @binding(0) var<storage, read> weights: array<f32>; // [count, text rows so far], or [text rows so far]
@group(0) @binding(1) var<storage, read> imageAttention: array<f32>; // packed [text rows so far, columns seen]
@group(0) @binding(2) var<storage, read> textRows: array<TextRow>; // [text rows so far]
@group(0) @binding(3) var<storage, read_write> focus: array<f32>; // [count, n]
@group(0) @binding(4) var<uniform> params: Params;

const BLOCK = ROW_BLOCK * COLUMN_BLOCK;

var<workgroup> partial: array<f32, THREADS * BLOCK>;

// w(j, h) of the chunk's text row `row`, which sees the text rows `seen`; 0 for itself.
fn weight(row: u32, seen: vec2u, h: u32) -> f32 {
  let own = params.firstTextRow + row;
  if (h < seen.x || h >= seen.y || h == own) {
    return 0.0;
  }
  if (params.discounted != 0u) {
    return weights[max(own, h) - min(own, h)];
  }
  return weights[row * (params.firstTextRow + params.count) + h];
}

// A[h, column .. ], COLUMN_LANES apart; 0 where text row h does not see it.
fn attention_to(h: u32, column: u32) -> array<f32, COLUMN_BLOCK> {
  let first = textRows[h].firstColumn;
  let end = textRows[h].endColumn;
  let start = textRows[h].start;
  var values = array<f32, COLUMN_BLOCK>();
  for (var c = 0u; c < COLUMN_BLOCK; c++) {
    let at = column + c * COLUMN_LANES;
    if (at >= first && at < end) {
      values[c] = imageAttention[start + at - first];
    }
  }
  return values;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let column_lane = thread % COLUMN_LANES;
  let neighbour_lane = thread / COLUMN_LANES;
  let first_column = workgroup.x * COLUMN_LANES * COLUMN_BLOCK + column_lane;
  let first_row = workgroup.y * ROW_BLOCK;
  let last_row = min(first_row + ROW_BLOCK, params.count) - 1u;

  var seen = array<vec2u, ROW_BLOCK>(); // text rows
  var first_seen = 0xffffffffu; // by any of the rows
  var end_seen = 0u;
  for (var i = 0u; i < ROW_BLOCK; i++) {
    let number = params.firstTextRow + min(first_row + i, last_row);
    seen[i] = vec2u(textRows[number].firstNeighbour, textRows[number].endNeighbour);
    if (seen[i].x < seen[i].y) {
      first_seen = min(first_seen, seen[i].x);
      end_seen = max(end_seen, seen[i].y);
    }
  }
  var sums = array<f32, BLOCK>(); // [row, column]
  for (var h = first_seen + neighbour_lane; h < end_seen; h += NEIGHBOUR_LANES) {
    let values = attention_to(h, first_column);
    for (var i = 0u; i < ROW_BLOCK; i++) {
      let w = weight(min(first_row + i, last_row), seen[i], h);
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

  // The invocations of a column share its rows.
  for (var i = neighbour_lane; i < ROW_BLOCK && first_row + i <= last_row; i += NEIGHBOUR_LANES) {
    let number = params.firstTextRow + first_row + i;
    let own = attention_to(number, first_column);
    for (var c = 0u; c < COLUMN_BLOCK && first_column + c * COLUMN_LANES < params.columns; c++) {
      let column = first_column + c * COLUMN_LANES;
      let at = i * COLUMN_BLOCK + c;
      var sum = own[c];
      if (NEIGHBOUR_LANES > 1u) {
        for (var lane = 0u; lane < NEIGHBOUR_LANES; lane++) {
          sum += partial[at * THREADS + lane * COLUMN_LANES + column_lane];
        }
      } else {
        sum += sums[at];
      }
      let is_seen = column >= textRows[number].firstColumn && column < textRows[number].endColumn;
      focus[(first_row + i) * params.columns + column] = select(0.0, sum, is_seen);
    }
  }
}
