// Tiles of matmul in f16, which halves the traffic of workgroup memory; products and sums are f32. tile-f32.wgsl has
// the same names. Values that f16 cannot hold are multiplied again in f32: a large activation costs time, not accuracy.
// Rejected: products and sums of four in f16. They were 4 to 8 times less exact (NMSE 2e-4 instead of 2e-5 to 5e-5
// after a whole model of random weights). They also overflowed and underflowed long before the values did.
// Needs lib/part-vec4, lib/weight-*, the extension f16, and the bindings `x` and `params`.

alias Tile = vec4<f16>;
alias TileBlock = mat4x4<f16>;

const LARGEST = 65504.0; // of f16

var<workgroup> tiles_exceeded: atomic<u32>;
var<private> exceeded: bool; // by a value that this invocation fetched

fn to_tile(part: Part) -> Tile {
  exceeded = exceeded || any(abs(part) > vec4f(LARGEST));
  return Tile(clamp(part, vec4f(-LARGEST), vec4f(LARGEST)));
}

fn tile_products(tile: Tile, block: TileBlock) -> vec4f {
  return vec4f(tile) * mat4x4f(vec4f(block[0]), vec4f(block[1]), vec4f(block[2]), vec4f(block[3]));
}

// Called by all invocations after the last tile, before `finished_products`.
fn end_tiles() {
  if (exceeded) {
    atomicStore(&tiles_exceeded, 1u);
  }
  workgroupBarrier();
}

// The products of a row of x with four rows of W, from the sums over their tiles.
fn finished_products(sums: vec4f, x_row: u32, w_rows: vec4u) -> vec4f {
  if (atomicLoad(&tiles_exceeded) == 0u) {
    return sums;
  }
  let x_from = x_row * params.inner;
  let w_from = w_rows * params.inner;
  var exact = vec4f();
  for (var k = 0u; k < params.inner; k++) {
    let w = w_from + k;
    exact += x[x_from + k] * PartBlock(weight_part(w.x), weight_part(w.y), weight_part(w.z), weight_part(w.w));
  }
  return exact;
}
