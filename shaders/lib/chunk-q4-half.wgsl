// Integers of 4 bits, sixteen at a time; same names as chunk-f32.wgsl. Needs lib/part-vec4, lib/levels-* and
// lib/chunk-scale.

alias Stored = vec2u;
const CHUNK = 4u; // Parts of x
alias Chunk = array<Part, CHUNK>;

fn weight_word(at: u32) -> u32 {
  return weight[at / 2u][at % 2u];
}

fn word_product(word: u32, low: vec4f, high: vec4f) -> f32 {
  return dot(low_levels(word), low) + dot(high_levels(word), high);
}

fn row_product(at: u32, x: ptr<function, Chunk>) -> f32 {
  let words = weight[at];
  return word_product(words.x, (*x)[0], (*x)[1]) + word_product(words.y, (*x)[2], (*x)[3]);
}

// No loop: software adapters keep arrays in memory once a variable indexes them.
fn chunk_sums(x: ptr<function, Chunk>) -> Part {
  return ((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3]);
}
