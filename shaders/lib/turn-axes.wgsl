// Cosines or sines of a Part of channels that may turn by different axes. turn.wgsl has the same name for one axis.
// Needs lib/part-vec4, lib/axis-table, and the kernel's bindings `positions` and `table`.

// `at`: of the Part, among the cosines or after them.
fn turn_factors(row: u32, pair: u32, at: u32) -> Part {
  var factors: Part;
  for (var i = 0u; i < 4u; i++) {
    let position = positions[axis_of_pair(4u * pair + i) * params.rows + row];
    factors[i] = table[position * params.tablePitch + at][i];
  }
  return factors;
}
