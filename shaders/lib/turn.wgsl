// Cosines or sines of a Part of channels that turn by one axis. turn-axes.wgsl has the same name for channels of
// several axes. Needs lib/axis-*, and the kernel's bindings `positions` and `table`.

// `at`: of the Part, among the cosines or after them.
fn turn_factors(row: u32, pair: u32, at: u32) -> Part {
  return table[positions[axis_of_pair(pair) * params.rows + row] * params.tablePitch + at];
}
