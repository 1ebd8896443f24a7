// The keys that rows see, from the binding `visible` [T, 2] of the kernel: half-open ranges, cut at the number of keys.
// Needs `params.rows` and `params.keys` of the kernel.

// The range of a row, start <= end. Rows from `params.rows` on repeat the last one.
fn key_range(row: u32) -> vec2u {
  let range = visible[min(row, params.rows - 1u)];
  let end = min(range.y, params.keys);
  return vec2u(min(range.x, end), end);
}

// The range from the smallest start to the largest end of `count` rows; (0, 0) where all are empty. Uniform if
// `first_row` is.
fn tile_range(first_row: u32, count: u32) -> vec2u {
  var tile = vec2u(params.keys, 0u);
  for (var i = 0u; i < count; i++) {
    let range = key_range(first_row + i);
    let grown = vec2u(min(tile.x, range.x), max(tile.y, range.y));
    tile = select(tile, grown, range.x < range.y);
  }
  return vec2u(min(tile.x, tile.y), tile.y);
}
