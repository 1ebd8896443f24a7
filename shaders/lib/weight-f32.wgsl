// Weights as they are: `weight_part(at)` is the Part number `at` of the matrix. weight-f16, weight-q8 and weight-q4 have the
// same names for packed ones, the last two with lib/scale-group and lib/scales-*; the first two need lib/scale-none where
// scales are asked for.
// Needs lib/part-* and of the shader around it the binding `weight`: array<Stored>.

alias Stored = Part;

fn weight_part(at: u32) -> Part {
  return weight[at];
}
