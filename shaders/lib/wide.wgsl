// Unsigned 64-bit integers in two words: their sums are exact and do not depend on the order of the terms.

struct Wide {
  high: u32,
  low: u32,
}

fn wide_add(a: Wide, b: Wide) -> Wide {
  let low = a.low + b.low;
  return Wide(a.high + b.high + u32(low < a.low), low);
}

fn wide_less(a: Wide, b: Wide) -> bool {
  return a.high < b.high || (a.high == b.high && a.low < b.low);
}

// a - b, rounded to f32; b is at most a.
fn wide_difference(a: Wide, b: Wide) -> f32 {
  return f32(a.high - b.high - u32(a.low < b.low)) * 4294967296.0 + f32(a.low - b.low);
}

// a * factor, to the precision of f32; factor is from 0 to 1.
fn wide_scale(a: Wide, factor: f32) -> Wide {
  let product = (f32(a.high) * 4294967296.0 + f32(a.low)) * factor;
  let high = floor(product / 4294967296.0);
  return Wide(u32(high), u32(product - high * 4294967296.0));
}
