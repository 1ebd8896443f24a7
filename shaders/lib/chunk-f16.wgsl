// Weights in f16, eight at a time; same names as chunk-f32.wgsl. Needs lib/part-vec4.

alias Stored = vec4u;
const CHUNK = 2u; // Parts of x
alias Chunk = array<Part, CHUNK>;

fn row_product(words: Stored, x: ptr<function, Chunk>) -> f32 {
  return dot(vec4f(unpack2x16float(words.x), unpack2x16float(words.y)), (*x)[0])
    + dot(vec4f(unpack2x16float(words.z), unpack2x16float(words.w)), (*x)[1]);
}

fn chunk_products(at: vec4u, x: ptr<function, Chunk>) -> vec4f {
  return vec4f(
    row_product(weight[at.x], x),
    row_product(weight[at.y], x),
    row_product(weight[at.z], x),
    row_product(weight[at.w], x),
  );
}
