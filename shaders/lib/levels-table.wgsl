// The integers that nibbles stand for, from a table of 16 in the bytes of LEVELS_0 to LEVELS_3; the names of levels-even.wgsl.
// Selects: an array that is indexed by a variable lies in memory, and costs a load for each weight on software adapters.

fn levels_of(nibbles: vec4u) -> vec4f {
  let isOdd = (nibbles & vec4u(4u)) != vec4u();
  let low = select(vec4u(LEVELS_0), vec4u(LEVELS_1), isOdd);
  let high = select(vec4u(LEVELS_2), vec4u(LEVELS_3), isOdd);
  let words = select(low, high, nibbles > vec4u(7u));
  // The byte goes to the top of its word, and comes down with its sign.
  return vec4f(bitcast<vec4i>(words << (24u - 8u * (nibbles & vec4u(3u)))) >> vec4u(24u));
}

fn low_levels(word: u32) -> vec4f {
  return levels_of(vec4u(word, word >> 4u, word >> 8u, word >> 12u) & vec4u(15u));
}

fn high_levels(word: u32) -> vec4f {
  return levels_of(vec4u(word >> 16u, word >> 20u, word >> 24u, word >> 28u) & vec4u(15u));
}
