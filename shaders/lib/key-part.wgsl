// A Part of the keys in a kernel's binding `k`. Needs lib/cached-*.

fn key_part(at: u32) -> Part {
  return from_cached(k[at]);
}
