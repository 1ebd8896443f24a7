// Integers of 8 bits, sixteen at a time; the names of chunk-f32.wgsl. Needs lib/part-vec4 and lib/chunk-scale.

alias Stored = vec4u;
const CHUNK = 4u; // Parts of x
alias Chunk = array<Part, CHUNK>;

fn weight_word(at: u32) -> u32 {
  return weight[at / 4u][at % 4u];
}

fn levels(word: u32) -> vec4f {
  let bits = bitcast<i32>(word);
  return vec4f(vec4i(extractBits(bits, 0u, 8u), extractBits(bits, 8u, 8u), extractBits(bits, 16u, 8u), bits >> 24u));
}

fn row_product(at: u32, x: ptr<function, Chunk>) -> f32 {
  let words = weight[at];
  return dot(levels(words.x), (*x)[0]) + dot(levels(words.y), (*x)[1]) + dot(levels(words.z), (*x)[2])
    + dot(levels(words.w), (*x)[3]);
}

// Without a loop: what is indexed by a variable lies in memory on software adapters.
fn chunk_sums(x: ptr<function, Chunk>) -> Part {
  return ((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3]);
}
