// Four rows of weights times one piece of x, for products of one row: `chunk_products(at, x)` reads one Stored of each
// row. chunk-f16 and chunk-q* have the same names for packed weights, which are read 16 bytes at a time.
// Needs lib/part-* and the shader's binding `weight`: array<Stored>.

alias Stored = Part;
const CHUNK = 1u; // Parts of x
alias Chunk = array<Part, CHUNK>;

fn chunk_products(at: vec4u, x: ptr<function, Chunk>) -> vec4f {
  return (*x)[0] * PartBlock(weight[at.x], weight[at.y], weight[at.z], weight[at.w]);
}
