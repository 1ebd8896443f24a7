// Products of blocks of four rows that the four invocations of a quad share. Needs subgroups and a lib/part-*.

// The products of the quad's four Parts (columns of the result) with the four of a block.
fn products(part: Part, block: PartBlock) -> mat4x4f {
  return mat4x4f(
    quadBroadcast(part, 0u) * block,
    quadBroadcast(part, 1u) * block,
    quadBroadcast(part, 2u) * block,
    quadBroadcast(part, 3u) * block,
  );
}

// A Part times the weights of four rows.
fn outer(value: Part, weights: vec4f) -> PartBlock {
  return PartBlock(value * weights.x, value * weights.y, value * weights.z, value * weights.w);
}

// Each of four rows times its factor.
fn scale_rows(block: PartBlock, factors: vec4f) -> PartBlock {
  return PartBlock(block[0] * factors.x, block[1] * factors.y, block[2] * factors.z, block[3] * factors.w);
}

// The largest of the quad.
fn quad_max(value: vec4f) -> vec4f {
  let pair = max(value, quadSwapX(value));
  return max(pair, quadSwapY(pair));
}

fn quad_sum(value: vec4f) -> vec4f {
  let pair = value + quadSwapX(value);
  return pair + quadSwapY(pair);
}
