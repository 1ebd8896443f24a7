// Heads read and written four components at a time: for widths and strides that are multiples of 4.
// part-scalar.wgsl has the same names for all others.

alias Part = vec4f;

fn part_dot(a: Part, b: Part) -> f32 {
  return dot(a, b);
}
