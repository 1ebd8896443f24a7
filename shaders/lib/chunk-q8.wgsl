// Integers of 8 bits, sixteen at a time, half a group; the names of chunk-f32.wgsl.
// Needs lib/part-vec4 and of the shader around it `params.scales`, the word at which the scales begin.

alias Stored = vec4u;
const SCALE_UNITS = 256.0; // scales are stored in these parts of 1, far from the subnormal halves
const CHUNK = 4u; // Parts of x
alias Chunk = array<Part, CHUNK>;

fn levels(word: u32) -> vec4f {
  let bits = bitcast<i32>(word);
  return vec4f(vec4i(extractBits(bits, 0u, 8u), extractBits(bits, 8u, 8u), extractBits(bits, 16u, 8u), bits >> 24u));
}

fn row_product(at: u32, x: ptr<function, Chunk>) -> f32 {
  let words = weight[at];
  let group = at / 2u;
  let word = params.scales + group / 2u;
  let scales = unpack2x16float(weight[word / 4u][word % 4u]);
  let sum = dot(levels(words.x), (*x)[0]) + dot(levels(words.y), (*x)[1]) + dot(levels(words.z), (*x)[2])
    + dot(levels(words.w), (*x)[3]);
  return sum * (select(scales.x, scales.y, group % 2u == 1u) / SCALE_UNITS);
}

fn chunk_products(at: vec4u, x: ptr<function, Chunk>) -> vec4f {
  return vec4f(row_product(at.x, x), row_product(at.y, x), row_product(at.z, x), row_product(at.w, x));
}
