// Integers of 4 bits less 8, a whole group of thirty-two at a time; the names of chunk-f32.wgsl.
// Needs lib/part-vec4 and of the shader around it `params.scales`, the word at which the scales begin.

alias Stored = vec4u;
const SCALE_UNITS = 256.0; // scales are stored in these parts of 1, far from the subnormal halves
const CHUNK = 8u; // Parts of x
alias Chunk = array<Part, CHUNK>;

fn word_product(word: u32, low: vec4f, high: vec4f) -> f32 {
  let nibbles = vec4u(word, word >> 4u, word >> 8u, word >> 12u);
  return dot(vec4f(nibbles & vec4u(15u)) - 8.0, low) + dot(vec4f((nibbles >> vec4u(16u)) & vec4u(15u)) - 8.0, high);
}

fn row_product(at: u32, x: ptr<function, Chunk>) -> f32 {
  let words = weight[at];
  let word = params.scales + at / 2u;
  let scales = unpack2x16float(weight[word / 4u][word % 4u]);
  let sum = word_product(words.x, (*x)[0], (*x)[1]) + word_product(words.y, (*x)[2], (*x)[3])
    + word_product(words.z, (*x)[4], (*x)[5]) + word_product(words.w, (*x)[6], (*x)[7]);
  return sum * (select(scales.x, scales.y, at % 2u == 1u) / SCALE_UNITS);
}

fn chunk_products(at: vec4u, x: ptr<function, Chunk>) -> vec4f {
  return vec4f(row_product(at.x, x), row_product(at.y, x), row_product(at.z, x), row_product(at.w, x));
}
