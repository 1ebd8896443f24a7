// Four rows of weights times one piece of x, for products of one row: `chunk_products(at, x)` reads one Stored of each
// row. Packed weights are read 16 bytes at a time: see chunk-f16 and chunk-q*, which have the same names.
// Needs lib/part-* and the shader's binding `weight`: array<Stored>.

alias Stored = Part;
const CHUNK = 1u; // Parts of x
alias Chunk = array<Part, CHUNK>;

fn chunk_products(at: vec4u, x: ptr<function, Chunk>) -> vec4f {
  return (*x)[0] * PartBlock(weight[at.x], weight[at.y], weight[at.z], weight[at.w]);
}
