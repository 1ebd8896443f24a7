// Rows have one position, by which all pairs of channels turn. axis-table.wgsl is for several axes.

fn axis_of_pair(pair: u32) -> u32 {
  return 0u;
}
