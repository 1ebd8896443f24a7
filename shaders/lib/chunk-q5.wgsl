// Integers of 5 bits less 16, thirty-two at a time; same names as chunk-f32.wgsl. The fifth bits follow the nibbles, a
// word a chunk. Needs lib/part-vec4, lib/levels-even, lib/above-one and lib/chunk-scale.

alias Stored = vec4u;
const CHUNK = 8u; // Parts of x
alias Chunk = array<Part, CHUNK>;

fn weight_word(at: u32) -> u32 {
  return weight[at / 4u][at % 4u];
}

fn row_product(at: u32, x: ptr<function, Chunk>) -> f32 {
  let words = weight[at];
  let bits = weight_word(params.scales / 5u * 4u + at);
  let a = dot(low_levels(words.x) + above(bits, MASKS, UNITS), (*x)[0])
    + dot(high_levels(words.x) + above(bits, MASKS * 0x10u, UNITS * 0x1p-4), (*x)[1]);
  let b = dot(low_levels(words.y) + above(bits, MASKS * 0x100u, UNITS * 0x1p-8), (*x)[2])
    + dot(high_levels(words.y) + above(bits, MASKS * 0x1000u, UNITS * 0x1p-12), (*x)[3]);
  let c = dot(low_levels(words.z) + above(bits, MASKS * 0x10000u, UNITS * 0x1p-16), (*x)[4])
    + dot(high_levels(words.z) + above(bits, MASKS * 0x100000u, UNITS * 0x1p-20), (*x)[5]);
  // The top bit is the sign of an i32.
  let last = vec4f(0x1p-24, 0x1p-25, 0x1p-26, -0x1p-27);
  let d = dot(low_levels(words.w) + above(bits, MASKS * 0x1000000u, UNITS * 0x1p-24), (*x)[6])
    + dot(high_levels(words.w) + above(bits, MASKS * 0x10000000u, last), (*x)[7]);
  return a + b + c + d;
}

// No loop: software adapters keep arrays in memory once a variable indexes them.
fn chunk_sums(x: ptr<function, Chunk>) -> Part {
  return (((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3])) + (((*x)[4] + (*x)[5]) + ((*x)[6] + (*x)[7]));
}
