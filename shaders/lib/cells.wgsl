// Cell order: the patches of a view cell by cell, cells in raster order, and the seats of a cell in raster order too.
// A cell is `side` x `side` neighbouring patches; `side` divides the grid. With side 1 cell order is raster order.

// Row and column in the grid of the patch that is number `n` in cell order; the grid has `cols` columns of patches.
fn patch_at(n: u32, cols: u32, side: u32) -> vec2u {
  let seats = side * side;
  let cells_across = cols / side;
  let cell = n / seats;
  let seat = n % seats;
  return vec2u(cell / cells_across * side + seat / side, cell % cells_across * side + seat % side);
}
