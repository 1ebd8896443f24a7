// Four rows of x for matmul-quad, loaded by every invocation: for software adapters without subgroups. Needs lib/part-*.
// rows-quad.wgsl has the same names.

alias Rows = vec4u; // where the four rows begin

struct RowInput {
  @builtin(local_invocation_id) lane: vec3u,
}

fn own_rows(starts: vec4u, input: RowInput) -> Rows {
  return starts;
}

fn four_parts(rows: Rows, k: u32) -> array<Part, 4> {
  return array(x[rows.x + k], x[rows.y + k], x[rows.z + k], x[rows.w + k]);
}
