// The products of one row x with the rows of W, four at a time; with NORMED, of x after an RMS norm. The squares are
// summed beside the products, because the norm's factor can be applied at the end.
// A team of invocations reads four rows of W side by side, neighbours reading neighbouring chunks, and each chunk of x
// once for the four. The shader has the bindings x, weight and norm, and two functions: `weight_rows` chooses four
// rows, which yield OUTPUTS values of y, and `finish` stores one of these.
// Needs lib/part-*, lib/chunk-*, lib/team*, WORKGROUP_SIZE, SLOTS (fours of rows a workgroup) and NORMED.

alias Value = f32;

fn row_products(input: TeamInput, group: u32) {
  let first_of_group = group * SLOTS * OUTPUTS;
  if (first_of_group >= params.cols) {
    return;
  }
  let team = find_team(input);
  // ROUNDS covers the smallest possible number of teams; with more teams the late rounds are empty. All teams run all
  // rounds, because every invocation must reach every sum.
  for (var round = 0u; round < ROUNDS; round++) {
    let slot = round * team.count + team.index;
    let first = first_of_group + slot * OUTPUTS;
    let at = weight_rows(first) * params.inner;
    let end = select(0u, params.inner, slot < SLOTS);
    var sums = vec4f();
    var squares = 0.0;
    for (var k = team.lane; k < end; k += team.size) {
      var piece: Chunk;
      for (var i = 0u; i < CHUNK; i++) {
        piece[i] = x[k * CHUNK + i];
        if (NORMED == 1u) {
          squares += part_dot(piece[i], piece[i]);
          piece[i] *= norm[k * CHUNK + i];
        }
      }
      sums += chunk_products(at + k, &piece);
    }
    var products = team_sum(sums, team);
    if (NORMED == 1u) {
      products *= inverseSqrt(team_sum(vec4f(squares), team).x / f32(params.width) + params.eps);
    }
    if (slot < SLOTS) {
      for (var output = team.lane; output < min(OUTPUTS, params.cols - min(first, params.cols)); output += team.size) {
        finish(first + output, products, output);
      }
    }
  }
}
