// Integers of 6 bits less 32, sixteen at a time; same names as chunk-f32.wgsl. The upper two bits follow the nibbles, a
// word a chunk. Needs lib/part-vec4, lib/levels-even, lib/above-two and lib/chunk-scale.

alias Stored = vec2u;
const CHUNK = 4u; // Parts of x
alias Chunk = array<Part, CHUNK>;

fn weight_word(at: u32) -> u32 {
  return weight[at / 2u][at % 2u];
}

fn row_product(at: u32, x: ptr<function, Chunk>) -> f32 {
  let words = weight[at];
  let bits = weight_word(params.scales / 6u * 4u + at);
  let a = dot(low_levels(words.x) + above(bits, MASKS, UNITS), (*x)[0])
    + dot(high_levels(words.x) + above(bits, MASKS * 0x100u, UNITS * 0x1p-8), (*x)[1]);
  // The top pair reads as a signed number once its highest bit is flipped.
  let last = above(bits ^ 0x80000000u, MASKS * 0x1000000u, UNITS * 0x1p-24) + vec4f(0.0, 0.0, 0.0, 32.0);
  let b = dot(low_levels(words.y) + above(bits, MASKS * 0x10000u, UNITS * 0x1p-16), (*x)[2])
    + dot(high_levels(words.y) + last, (*x)[3]);
  return a + b;
}

// No loop: software adapters keep arrays in memory once a variable indexes them.
fn chunk_sums(x: ptr<function, Chunk>) -> Part {
  return ((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3]);
}
