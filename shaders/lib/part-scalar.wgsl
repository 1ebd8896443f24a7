// Heads read and written one component at a time: for widths or strides that are not multiples of 4. Those that are
// have the same names in part-vec4.wgsl.

alias Part = f32;

fn part_dot(a: Part, b: Part) -> f32 {
  return a * b;
}

// Four Parts as one operand: `part * PartBlock(a, b, c, d)` is the four products.
alias PartBlock = vec4f;
