// Four rows of x for matmul-quad: each invocation of a quad loads one and broadcasts it. Needs subgroups and
// lib/part-*. rows-alone.wgsl has the same names.

alias Rows = u32; // where this invocation's row begins

struct RowInput {
  @builtin(subgroup_invocation_id) in_subgroup: u32,
}

fn own_rows(starts: vec4u, input: RowInput) -> Rows {
  return starts[input.in_subgroup % 4u];
}

fn four_parts(rows: Rows, k: u32) -> array<Part, 4> {
  let part = x[rows + k];
  return array(quadBroadcast(part, 0u), quadBroadcast(part, 1u), quadBroadcast(part, 2u), quadBroadcast(part, 3u));
}
