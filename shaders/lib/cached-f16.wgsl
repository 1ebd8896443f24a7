// Keys and values in f16, two in a word; products and sums stay f32. cached-f32.wgsl has the same names for f32.
// Needs lib/part-vec4 and lib/half-pair.

alias Cached = vec2u;

fn from_cached(value: Cached) -> Part {
  return vec4f(unpack2x16float(value.x), unpack2x16float(value.y));
}

fn to_cached(value: Part) -> Cached {
  return vec2u(half_pair(value.xy), half_pair(value.zw));
}
