// Parts of the keys and values that a kernel has in its bindings `k` and `v`. Needs lib/cached-*.

fn key_part(at: u32) -> Part {
  return from_cached(k[at]);
}

fn value_part(at: u32) -> Part {
  return from_cached(v[at]);
}
