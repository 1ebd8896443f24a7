// Weights in f32: `weight_part(at)` is the Part number `at` of the matrix. weight-f16 and weight-q* have the same names
// for packed weights, the latter with lib/scale-group and lib/scales-*. Weights without scales need lib/scale-none in
// kernels that use scales.
// Needs lib/part-* and the shader's binding `weight`: array<Stored>.

alias Stored = Part;

fn weight_part(at: u32) -> Part {
  return weight[at];
}
