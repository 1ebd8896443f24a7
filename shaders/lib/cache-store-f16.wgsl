// Stores the keys and values of qkv.wgsl in a cache of f16, two in a word: neighbouring pairs share words, so the first
// of two stores both. For f32, cache-store-f32.wgsl has the same names. Needs lib/half-pair; halves of heads, and of
// the channels that turn, are even.

alias CacheWord = u32;

// `at`: of the pair's lower component. `step`: to its higher one.
fn store_turned(at: u32, step: u32, pair: u32, products: vec4f, output: u32) {
  if (output != 0u) {
    return;
  }
  let first = turned_pair(pair, products, 0u);
  let second = turned_pair(pair + 1u, products, 1u);
  cache[at / 2u] = half_pair(vec2f(first.x, second.x));
  cache[(at + step) / 2u] = half_pair(vec2f(first.y, second.y));
}
