// Heads read and written four components at a time: for widths and strides that are multiples of 4. All others have the
// same names in part-scalar.wgsl.

alias Part = vec4f;

fn part_dot(a: Part, b: Part) -> f32 {
  return dot(a, b);
}

// Four Parts as one operand: `part * PartBlock(a, b, c, d)` is the four dot products.
alias PartBlock = mat4x4f;
