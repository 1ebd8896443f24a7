// `chunk_products` of integers in groups of 1 << GROUP_SHIFT chunks. A chunk never spans two groups. Each invocation
// reads the scale and bias of a row's group once a chunk, in one load. In larger groups its neighbours read the same
// word. A bias adds bias * sum(x); four rows share that sum.
// Needs `row_product` and `chunk_sums` of lib/chunk-q*, lib/scales-* and GROUP_SHIFT.

fn chunk_products(at: vec4u, x: ptr<function, Chunk>) -> vec4f {
  let groups = at >> vec4u(GROUP_SHIFT);
  let a = group_scale(groups.x);
  let b = group_scale(groups.y);
  let c = group_scale(groups.z);
  let d = group_scale(groups.w);
  let products = vec4f(row_product(at.x, x), row_product(at.y, x), row_product(at.z, x), row_product(at.w, x))
    * vec4f(a.x, b.x, c.x, d.x);
  if (PAIRED == 0u) {
    return products;
  }
  return products + dot(chunk_sums(x), vec4f(1.0)) * vec4f(a.y, b.y, c.y, d.y);
}
