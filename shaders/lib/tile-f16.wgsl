// What matmul keeps in workgroup memory: Parts as halves, multiplied and summed in halves four at a time; sums of more are
// the caller's, in f32. The names of tile-f32.wgsl.
// Needs lib/part-vec4 and the extension f16.

alias Tile = vec4<f16>;
alias TileBlock = mat4x4<f16>;

// What a half cannot hold becomes the largest that it can: WGSL leaves open what else would come.
fn to_tile(part: Part) -> Tile {
  return Tile(clamp(part, Part(-65504.0), Part(65504.0)));
}

fn tile_products(tile: Tile, block: TileBlock) -> vec4f {
  return vec4f(tile * block);
}
