// Tiles of matmul in f32: Parts as they are. tile-f16.wgsl has the same names.
// Needs lib/part-*.

alias Tile = Part;
alias TileBlock = PartBlock;

fn to_tile(part: Part) -> Tile {
  return part;
}

fn tile_products(tile: Tile, block: TileBlock) -> vec4f {
  return tile * block;
}

fn end_tiles() {}

fn finished_products(sums: vec4f, x_row: u32, w_rows: vec4u) -> vec4f {
  return sums;
}
