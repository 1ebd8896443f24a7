// What matmul keeps in workgroup memory: Parts as they are. tile-f16.wgsl has the same names for halves.
// Needs lib/part-*.

alias Tile = Part;
alias TileBlock = PartBlock;

fn to_tile(part: Part) -> Tile {
  return part;
}

fn tile_products(tile: Tile, block: TileBlock) -> vec4f {
  return tile * block;
}
