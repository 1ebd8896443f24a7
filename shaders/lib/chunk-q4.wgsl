// Integers of 4 bits, thirty-two at a time; same names as chunk-f32.wgsl. chunk-q4-half.wgsl is for rows and groups
// that sixteen divides and thirty-two does not. Needs lib/part-vec4, lib/levels-* and lib/chunk-scale.

alias Stored = vec4u;
const CHUNK = 8u; // Parts of x
alias Chunk = array<Part, CHUNK>;

fn weight_word(at: u32) -> u32 {
  return weight[at / 4u][at % 4u];
}

fn word_product(word: u32, low: vec4f, high: vec4f) -> f32 {
  return dot(low_levels(word), low) + dot(high_levels(word), high);
}

fn row_product(at: u32, x: ptr<function, Chunk>) -> f32 {
  let words = weight[at];
  return word_product(words.x, (*x)[0], (*x)[1]) + word_product(words.y, (*x)[2], (*x)[3])
    + word_product(words.z, (*x)[4], (*x)[5]) + word_product(words.w, (*x)[6], (*x)[7]);
}

// No loop: software adapters keep arrays in memory once a variable indexes them.
fn chunk_sums(x: ptr<function, Chunk>) -> Part {
  return (((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3])) + (((*x)[4] + (*x)[5]) + ((*x)[6] + (*x)[7]));
}
