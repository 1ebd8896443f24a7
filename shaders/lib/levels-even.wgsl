// The integers that nibbles stand for: nibbles less 8. levels-table.wgsl has the same name for unevenly spaced ones.

fn levels_of(nibbles: vec4u) -> vec4f {
  return vec4f(nibbles) - 8.0;
}
