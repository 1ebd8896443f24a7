// y = act(x W^T + b), or y += act(x W^T + b), for many rows. A workgroup computes 64 x 64 outputs, an invocation 8 x 4
// of them. x and W pass through workgroup memory 4 Parts of K at a time, so that global reads are whole runs of a row.
// Needs lib/part-*, lib/weight-*, lib/tile-*, lib/activation and lib/linear-store. matmul-quad.wgsl does the same without workgroup memory.

alias Value = vec4f;

const LANES_X = 16u;
const LANES_Y = 8u;
const TILE = 64u; // rows and columns of y
const STEP = 4u; // Parts of K
// Stored Part-major, so that neighbouring invocations read neighbouring Parts of 16 bytes. Two more than TILE: the
// invocations that fill one row's 4 Parts then write to different banks too.
const STRIDE = TILE + 2u;

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

var<workgroup> x_tile: array<Tile, STEP * STRIDE>; // [STEP, TILE]
var<workgroup> weight_tile: array<Tile, STEP * STRIDE>; // [STEP, TILE]

@compute @workgroup_size(LANES_X, LANES_Y)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(local_invocation_index) index: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  // Tiles down a column of y follow each other, so that the weights, the larger operand, are read from memory once.
  let row_tiles = (params.rows + TILE - 1u) / TILE;
  let tile = group.x + group.y * groups.x;
  let row0 = tile % row_tiles * TILE;
  let col0 = tile / row_tiles * TILE;
  if (col0 >= params.cols) {
    return;
  }

  // This invocation fetches Part `part` of the rows `fetched` and `fetched + 32` of both tiles. Rows beyond the matrix
  // repeat its last one, and their products are dropped.
  let part = index % STEP;
  let fetched = index / STEP;
  let half = TILE / 2u;
  let fetched_rows = vec2u(fetched, fetched + half);
  let x_from = (group.z * params.rows + min(row0 + fetched_rows, vec2u(params.rows - 1u))) * params.inner;
  let w_from = (group.z * params.cols + min(col0 + fetched_rows, vec2u(params.cols - 1u))) * params.inner;
  let slot = part * STRIDE + fetched;

  // Rows lane.y + 8 i; the components are the columns lane.x + 16 j.
  var a0 = vec4f();
  var a1 = vec4f();
  var a2 = vec4f();
  var a3 = vec4f();
  var a4 = vec4f();
  var a5 = vec4f();
  var a6 = vec4f();
  var a7 = vec4f();
  for (var start = 0u; start < params.inner; start += STEP) {
    let k = start + part;
    if (k < params.inner) {
      x_tile[slot] = to_tile(x[x_from.x + k]);
      x_tile[slot + half] = to_tile(x[x_from.y + k]);
      weight_tile[slot] = to_tile(weight_part(w_from.x + k));
      weight_tile[slot + half] = to_tile(weight_part(w_from.y + k));
    } else {
      // Both are zeroed: a value left by an earlier step may be infinite.
      x_tile[slot] = Tile();
      x_tile[slot + half] = Tile();
      weight_tile[slot] = Tile();
      weight_tile[slot + half] = Tile();
    }
    workgroupBarrier();
    for (var p = 0u; p < STEP; p++) {
      let wp = p * STRIDE + lane.x;
      let w = TileBlock(weight_tile[wp], weight_tile[wp + 16u], weight_tile[wp + 32u], weight_tile[wp + 48u]);
      let xp = p * STRIDE + lane.y;
      a0 += tile_products(x_tile[xp], w);
      a1 += tile_products(x_tile[xp + 8u], w);
      a2 += tile_products(x_tile[xp + 16u], w);
      a3 += tile_products(x_tile[xp + 24u], w);
      a4 += tile_products(x_tile[xp + 32u], w);
      a5 += tile_products(x_tile[xp + 40u], w);
      a6 += tile_products(x_tile[xp + 48u], w);
      a7 += tile_products(x_tile[xp + 56u], w);
    }
    workgroupBarrier();
  }

  end_tiles();
  let last_row = params.rows - 1u;
  let cols = min(col0 + lane.x + LANES_X * vec4u(0u, 1u, 2u, 3u), vec4u(params.cols - 1u));
  let w_rows = group.z * params.cols + cols;
  var sums = array(a0, a1, a2, a3, a4, a5, a6, a7);
  for (var i = 0u; i < 8u; i++) {
    let row = row0 + lane.y + i * LANES_Y;
    let products = finished_products(sums[i], group.z * params.rows + min(row, last_row), w_rows);
    store(group.z, row, col0 + lane.x, LANES_X, products);
  }
}
