// Integers of 5 bits less 16, thirty-two at a time; the names of chunk-f32.wgsl. The fifth bits follow the nibbles, a word
// a chunk. Needs lib/part-vec4 and lib/chunk-scale.

alias Stored = vec4u;
const CHUNK = 8u; // Parts of x
alias Chunk = array<Part, CHUNK>;

fn weight_word(at: u32) -> u32 {
  return weight[at / 4u][at % 4u];
}

// Of eight integers; the lowest 8 of `bits` are their fifth bits.
fn word_product(word: u32, bits: u32, low: vec4f, high: vec4f) -> f32 {
  let nibbles = vec4u(word, word >> 4u, word >> 8u, word >> 12u);
  let low_bits = vec4u(bits << 4u, bits << 3u, bits << 2u, bits << 1u) & vec4u(16u);
  let high_bits = vec4u(bits, bits >> 1u, bits >> 2u, bits >> 3u) & vec4u(16u);
  return dot(vec4f((nibbles & vec4u(15u)) | low_bits) - 16.0, low)
    + dot(vec4f(((nibbles >> vec4u(16u)) & vec4u(15u)) | high_bits) - 16.0, high);
}

fn row_product(at: u32, x: ptr<function, Chunk>) -> f32 {
  let words = weight[at];
  let bits = weight_word(params.scales / 5u * 4u + at);
  return word_product(words.x, bits, (*x)[0], (*x)[1]) + word_product(words.y, bits >> 8u, (*x)[2], (*x)[3])
    + word_product(words.z, bits >> 16u, (*x)[4], (*x)[5]) + word_product(words.w, bits >> 24u, (*x)[6], (*x)[7]);
}

// Without a loop: what is indexed by a variable lies in memory on software adapters.
fn chunk_sums(x: ptr<function, Chunk>) -> Part {
  return (((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3])) + (((*x)[4] + (*x)[5]) + ((*x)[6] + (*x)[7]));
}
