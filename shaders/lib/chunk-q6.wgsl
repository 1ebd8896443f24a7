// Integers of 6 bits less 32, sixteen at a time; the names of chunk-f32.wgsl. The upper two bits follow the nibbles, a word
// a chunk. Needs lib/part-vec4 and lib/chunk-scale.

alias Stored = vec2u;
const CHUNK = 4u; // Parts of x
alias Chunk = array<Part, CHUNK>;

fn weight_word(at: u32) -> u32 {
  return weight[at / 2u][at % 2u];
}

// Of eight integers; the lowest 16 of `bits` are their upper ones.
fn word_product(word: u32, bits: u32, low: vec4f, high: vec4f) -> f32 {
  let nibbles = vec4u(word, word >> 4u, word >> 8u, word >> 12u);
  let low_bits = vec4u(bits << 4u, bits << 2u, bits, bits >> 2u) & vec4u(48u);
  let high_bits = vec4u(bits >> 4u, bits >> 6u, bits >> 8u, bits >> 10u) & vec4u(48u);
  return dot(vec4f((nibbles & vec4u(15u)) | low_bits) - 32.0, low)
    + dot(vec4f(((nibbles >> vec4u(16u)) & vec4u(15u)) | high_bits) - 32.0, high);
}

fn row_product(at: u32, x: ptr<function, Chunk>) -> f32 {
  let words = weight[at];
  let bits = weight_word(params.scales / 6u * 4u + at);
  return word_product(words.x, bits, (*x)[0], (*x)[1]) + word_product(words.y, bits >> 16u, (*x)[2], (*x)[3]);
}

// Without a loop: what is indexed by a variable lies in memory on software adapters.
fn chunk_sums(x: ptr<function, Chunk>) -> Part {
  return ((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3]);
}
