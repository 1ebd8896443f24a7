// Stores the keys and values of qkv.wgsl in a cache of f32. cache-store-f16.wgsl has the same names for f16.

alias CacheWord = f32;

// `at`: of the pair's lower component. `step`: to its higher one.
fn store_turned(at: u32, step: u32, pair: u32, products: vec4f, output: u32) {
  let values = turned_pair(pair, products, output);
  cache[at] = values.x;
  cache[at + step] = values.y;
}
