// A Part of the values in a kernel's binding `v`. Needs lib/cached-*.

fn value_part(at: u32) -> Part {
  return from_cached(v[at]);
}
