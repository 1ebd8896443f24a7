// The products of one row x with the rows of W, by quads; same names as row-product.wgsl. For SwiftShader, where a load
// costs as much as tens of products and a sum across invocations costs more than its terms. Each of four invocations
// multiplies four rows of its own. They share x: each loads one Part and broadcasts it.
// Needs subgroups, lib/part-*, lib/chunk-*, WORKGROUP_SIZE 4, SLOTS (quads of fours of rows a workgroup) and NORMED.

alias Value = f32;

struct TeamInput {
  @builtin(local_invocation_index) index: u32,
}

// Chunks in one step of the quad: eight Parts where a chunk has eight, otherwise four.
const STEP = max(1u, 4u / CHUNK);

// Part `at` of x, times the norm's weight, and its squares; nothing beyond the row.
fn own_part(at: u32, squares: ptr<function, f32>) -> Part {
  if (at >= params.inner * CHUNK) {
    return Part();
  }
  let part = x[at];
  if (NORMED == 0u) {
    return part;
  }
  *squares += part_dot(part, part);
  return part * norm[at];
}

fn row_products(input: TeamInput, group: u32) {
  if (group * WORKGROUP_SIZE * SLOTS * OUTPUTS >= params.cols) {
    return;
  }
  for (var slot = 0u; slot < SLOTS; slot++) {
    let first = ((group * SLOTS + slot) * WORKGROUP_SIZE + input.index) * OUTPUTS;
    let at = weight_rows(first) * params.inner;
    var sums = vec4f();
    var squares = 0.0;
    for (var k = 0u; k < params.inner; k += STEP) {
      let a = own_part(k * CHUNK + input.index, &squares);
      var piece: Chunk;
      // No loop: an array that a variable indexes is kept in memory. Last Part first, because Parts beyond a short
      // chunk land on its last one.
      if (CHUNK > 4u) {
        let b = own_part(k * CHUNK + 4u + input.index, &squares);
        piece[min(7u, CHUNK - 1u)] = quadBroadcast(b, 3u);
        piece[min(6u, CHUNK - 1u)] = quadBroadcast(b, 2u);
        piece[min(5u, CHUNK - 1u)] = quadBroadcast(b, 1u);
        piece[min(4u, CHUNK - 1u)] = quadBroadcast(b, 0u);
      }
      piece[min(3u, CHUNK - 1u)] = quadBroadcast(a, 3u);
      piece[min(2u, CHUNK - 1u)] = quadBroadcast(a, 2u);
      piece[min(1u, CHUNK - 1u)] = quadBroadcast(a, 1u);
      piece[0] = quadBroadcast(a, 0u);
      sums += chunk_products(at + k, &piece);
      if (STEP > 1u && k + 1u < params.inner) {
        piece[min(1u, CHUNK - 1u)] = quadBroadcast(a, 3u);
        piece[0] = quadBroadcast(a, min(CHUNK, 3u));
        sums += chunk_products(at + k + 1u, &piece);
      }
      if (STEP > 2u && k + 2u < params.inner) {
        piece[0] = quadBroadcast(a, 2u);
        sums += chunk_products(at + k + 2u, &piece);
      }
      if (STEP > 2u && k + 3u < params.inner) {
        piece[0] = quadBroadcast(a, 3u);
        sums += chunk_products(at + k + 3u, &piece);
      }
    }
    if (NORMED == 1u) {
      let pair = squares + quadSwapX(squares);
      sums *= inverseSqrt((pair + quadSwapY(pair)) / f32(params.width) + params.eps);
    }
    for (var output = 0u; output < min(OUTPUTS, params.cols - min(first, params.cols)); output++) {
      finish(first + output, sums, output);
    }
  }
}
