// y = act(x W^T + b), or y += act(x W^T + b), for many rows, without workgroup memory. For software adapters: a barrier
// costs more there than the loads it saves, and a load costs as much as tens of products. All invocations of a
// workgroup compute the same 16 rows, each of them 8 columns of its own.
// Needs lib/rows-*, lib/part-*, lib/weight-*, lib/scale-*, lib/activation, lib/linear-store and WORKGROUP_SIZE. matmul.wgsl is for GPUs.

alias Value = vec4f;

const ROWS = 16u;
const COLS = 8u;

struct Params {
  rows: u32, // M
  cols: u32, // N
  inner: u32, // K in Parts
  scales: u32, // of packed weights, see lib/weight-*
  hasBias: u32,
  accumulate: u32,
  stride: u32, // elements from a row of y to the next
  factor: f32, // on what is stored or added
}

@group(0) @binding(0) var<storage, read> x: array<Part>; // [B, M, K]
@group(0) @binding(1) var<storage, read> weight: array<Stored>; // [B, N, K]
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [N], or anything without hasBias
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [B, M, N] in rows of `stride`
@group(0) @binding(4) var<uniform> params: Params;

// The products of four rows (columns of the result) with four columns of y (rows of the result).
fn products(parts: array<Part, 4>, w: PartBlock) -> mat4x4f {
  return mat4x4f(parts[0] * w, parts[1] * w, parts[2] * w, parts[3] * w);
}

// Where four rows of matrix `batch` of x begin, from `first` on.
fn row_starts(batch: u32, first: u32) -> vec4u {
  return (batch * params.rows + min(first + vec4u(0u, 1u, 2u, 3u), vec4u(params.rows - 1u))) * params.inner;
}

fn scales_of(rows: vec4u) -> mat4x2f {
  return mat4x2f(weight_scale(rows.x), weight_scale(rows.y), weight_scale(rows.z), weight_scale(rows.w));
}

// The Parts at the same place of four rows of W.
fn weight_block(at: vec4u, scales: mat4x2f) -> PartBlock {
  return PartBlock(
    scaled_part(at.x, scales[0]),
    scaled_part(at.y, scales[1]),
    scaled_part(at.z, scales[2]),
    scaled_part(at.w, scales[3]),
  );
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  input: RowInput,
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let row_tiles = (params.rows + ROWS - 1u) / ROWS;
  let tile = group.x + group.y * groups.x;
  let row0 = tile % row_tiles * ROWS;
  let col0 = (tile / row_tiles * WORKGROUP_SIZE + lane) * COLS;
  if (tile / row_tiles * WORKGROUP_SIZE * COLS >= params.cols) {
    return;
  }

  // Rows and columns beyond the matrices repeat the last ones, and their products are dropped.
  let x0 = own_rows(row_starts(group.z, row0), input);
  let x1 = own_rows(row_starts(group.z, row0 + 4u), input);
  let x2 = own_rows(row_starts(group.z, row0 + 8u), input);
  let x3 = own_rows(row_starts(group.z, row0 + 12u), input);
  let w_row = group.z * params.cols;
  let left_rows = (w_row + min(col0 + vec4u(0u, 1u, 2u, 3u), vec4u(params.cols - 1u))) * params.inner;
  let right_rows = (w_row + min(col0 + vec4u(4u, 5u, 6u, 7u), vec4u(params.cols - 1u))) * params.inner;

  // Four rows each, with the left and the right four columns.
  var left0 = mat4x4f();
  var left1 = mat4x4f();
  var left2 = mat4x4f();
  var left3 = mat4x4f();
  var right0 = mat4x4f();
  var right1 = mat4x4f();
  var right2 = mat4x4f();
  var right3 = mat4x4f();
  for (var scaled = 0u; scaled < params.inner; scaled += SCALE_PARTS) {
    let left_scales = scales_of(left_rows + scaled);
    let right_scales = scales_of(right_rows + scaled);
    for (var k = scaled; k < min(scaled + SCALE_PARTS, params.inner); k++) {
      let left = weight_block(left_rows + k, left_scales);
      let right = weight_block(right_rows + k, right_scales);
      let part0 = four_parts(x0, k);
      left0 += products(part0, left);
      right0 += products(part0, right);
      let part1 = four_parts(x1, k);
      left1 += products(part1, left);
      right1 += products(part1, right);
      let part2 = four_parts(x2, k);
      left2 += products(part2, left);
      right2 += products(part2, right);
      let part3 = four_parts(x3, k);
      left3 += products(part3, left);
      right3 += products(part3, right);
    }
  }

  // One loop, not 32 copies: those took most of this shader's compile time.
  var sums = array(left0, left1, left2, left3, right0, right1, right2, right3);
  for (var i = 0u; i < 2u * ROWS; i++) {
    store(group.z, row0 + i % ROWS, col0 + i / ROWS * 4u, 1u, sums[i / 4u][i % 4u]);
  }
}
