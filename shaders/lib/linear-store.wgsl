// The end of a linear layer: bias, activation, then a store or an addition to y.
// Needs lib/activation with `alias Value = vec4f`. The shader around it has the bindings `bias` and `y`, and in
// `params` rows, cols, stride, factor, hasBias and accumulate. The last two are not constants: a uniform branch at the
// end is free, while each constant doubles the pipelines to compile.

// Ends the products of one row of matrix `batch` with the columns first, first + step, first + 2 step and first + 3 step.
// Drops rows and columns outside of y.
fn store(batch: u32, row: u32, first: u32, step: u32, products: vec4f) {
  if (row >= params.rows) {
    return;
  }
  var sums = products;
  if (params.hasBias != 0u) {
    for (var e = 0u; e < 4u; e++) {
      sums[e] += bias[min(first + e * step, params.cols - 1u)];
    }
  }
  let values = activate(sums) * params.factor;
  for (var e = 0u; e < 4u; e++) {
    let col = first + e * step;
    if (col < params.cols) {
      let at = (batch * params.rows + row) * params.stride + col;
      if (params.accumulate != 0u) {
        y[at] += values[e];
      } else {
        y[at] = values[e];
      }
    }
  }
}
