// Keys and values in f32. cached-f16.wgsl has the same names for f16. Needs lib/part-*.

alias Cached = Part;

fn from_cached(value: Cached) -> Part {
  return value;
}

fn to_cached(value: Part) -> Cached {
  return value;
}
