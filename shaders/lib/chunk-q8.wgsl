// Integers of 8 bits, sixteen at a time; same names as chunk-f32.wgsl. Needs lib/part-vec4 and lib/chunk-scale.

alias Stored = vec4u;
const CHUNK = 4u; // Parts of x
alias Chunk = array<Part, CHUNK>;

fn weight_word(at: u32) -> u32 {
  return weight[at / 4u][at % 4u];
}

// Masked and multiplied down, as in levels-even.wgsl. The three lower bytes count from -128 once their signs are flipped.
fn levels(word: u32) -> vec4f {
  let bytes = vec4i(vec4u(word ^ 0x808080u) & vec4u(0xffu, 0xff00u, 0xff0000u, 0xff000000u));
  return vec4f(bytes) * vec4f(0x1p0, 0x1p-8, 0x1p-16, 0x1p-24) - vec4f(128.0, 128.0, 128.0, 0.0);
}

fn row_product(at: u32, x: ptr<function, Chunk>) -> f32 {
  let words = weight[at];
  return dot(levels(words.x), (*x)[0]) + dot(levels(words.y), (*x)[1]) + dot(levels(words.z), (*x)[2])
    + dot(levels(words.w), (*x)[3]);
}

// No loop: software adapters keep arrays in memory once a variable indexes them.
fn chunk_sums(x: ptr<function, Chunk>) -> Part {
  return ((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3]);
}
