// The end of a linear layer: bias, activation, and either the value itself or a sum with what is there.
// Needs lib/activation with `alias Value = vec4f`, and of the shader around it the bindings `bias` and `y` and, in
// `params`, rows, cols, stride, has_bias and accumulate. These two are no constants: a uniform branch at the end costs nothing,
// a pipeline for each combination costs a compilation.

// Ends the products of one row with the columns first, first + step, first + 2 step and first + 3 step; rows and
// columns outside of y are dropped.
fn store(row: u32, first: u32, step: u32, products: vec4f) {
  if (row >= params.rows) {
    return;
  }
  var sums = products;
  if (params.has_bias != 0u) {
    for (var e = 0u; e < 4u; e++) {
      sums[e] += bias[min(first + e * step, params.cols - 1u)];
    }
  }
  let values = activate(sums);
  for (var e = 0u; e < 4u; e++) {
    let col = first + e * step;
    if (col < params.cols) {
      let at = row * params.stride + col;
      if (params.accumulate != 0u) {
        y[at] += values[e];
      } else {
        y[at] = values[e];
      }
    }
  }
}
