// Random numbers without state: each is a hash of its seed, step and index.

// Integer hash of 32 bits, a bijection (Chris Wellons, hash-prospector, "lowbias32").
fn hash(value: u32) -> u32 {
  var x = value;
  x = (x ^ (x >> 16u)) * 0x7feb352du;
  x = (x ^ (x >> 15u)) * 0x846ca68bu;
  return x ^ (x >> 16u);
}

// Standard Gumbel variable of a random word: -log(-log(1 - u)), u uniform in (0, 1). Small u, which win draws, keep
// all 32 bits of the word, where 1 - u would have only the 24 of f32.
fn gumbel(word: u32) -> f32 {
  let u = min((f32(word) + 0.5) / 4294967296.0, 0.99999994);
  let exponential = select(-log(1.0 - u), u * (1.0 + u * (0.5 + u / 3.0)), u < 0.015625);
  return -log(exponential);
}
