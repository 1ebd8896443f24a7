// The candidates of sample.wgsl: all tokens, or a list of some in workgroup memory, each with the key of its score.
// Needs lib/float-key, THREADS, LIST, and the shader's bindings `logits`, `allowed` and `seen` and its
// `params.vocabulary` and `params.repetitionPenalty`.

const BLOCKS = min(LIST, 256u); // a block is the ids that are equal modulo BLOCKS
const STEP = 4u; // keys that an invocation reads at once, so that loads overlap
const NOT_FINITE_KEY = 0xffffffffu; // above the key of every number

// The tokens of the list, or all tokens.
struct Candidates {
  listed: bool,
  count: u32,
}

var<workgroup> list_ids: array<u32, LIST>;
var<workgroup> list_keys: array<u32, LIST>;
var<workgroup> total: atomic<u32>; // a running count or maximum
var<workgroup> broadcast_word: u32; // from invocation 0 to the others

fn has_bit(word: u32, id: u32) -> bool {
  return ((word >> (id % 32u)) & 1u) != 0u;
}

// The key of a token's logit after the penalty; 0 if it may not be chosen. Infinities and NaN, which WGSL's arithmetic
// may ignore, are detected by their bits. Beyond 1e36 all logits are equal, so that differences stay finite.
fn score_key(id: u32) -> u32 {
  let at = min(id, params.vocabulary - 1u);
  let bits = bitcast<u32>(logits[at]);
  var score = clamp(logits[at], -1e36, 1e36);
  if (params.repetitionPenalty != 1.0 && has_bit(seen[at / 32u], at)) {
    score = select(score / params.repetitionPenalty, score * params.repetitionPenalty, score < 0.0);
  }
  let is_finite = (bits & 0x7f800000u) != 0x7f800000u;
  let key = select(NOT_FINITE_KEY, key_of(score), is_finite);
  return select(0u, key, id == at && has_bit(allowed[at / 32u], at));
}

// The keys of ids i, i + stride, ...; 0 beyond the vocabulary.
fn score_keys(i: u32, stride: u32) -> vec4u {
  return vec4u(score_key(i), score_key(i + stride), score_key(i + 2u * stride), score_key(i + 3u * stride));
}

fn candidate_id(candidates: Candidates, i: u32) -> u32 {
  if (candidates.listed) {
    return list_ids[i];
  }
  return i;
}

// Keys of the candidates i, i + THREADS, ...; 0 beyond the last.
fn candidate_keys(candidates: Candidates, i: u32) -> vec4u {
  if (candidates.listed) {
    let at = vec4u(i, i + THREADS, i + 2u * THREADS, i + 3u * THREADS);
    let in_list = min(at, vec4u(LIST - 1u));
    let keys = vec4u(list_keys[in_list.x], list_keys[in_list.y], list_keys[in_list.z], list_keys[in_list.w]);
    return select(vec4u(), keys, at < vec4u(candidates.count));
  }
  // A loop, not score_keys: this function is inlined in three places, and a software adapter compiles each copy. The shader took
  // 0.83 s of a core to compile, and takes 0.55 (SwiftShader, busy machine).
  var keys = vec4u();
  for (var j = 0u; j < STEP; j++) {
    keys[j] = score_key(i + j * THREADS);
  }
  return keys;
}

// The largest value of all invocations, returned to each of them.
fn workgroup_largest(value: u32, thread: u32) -> u32 {
  if (thread == 0u) {
    atomicStore(&total, 0u);
  }
  workgroupBarrier();
  atomicMax(&total, value);
  workgroupBarrier();
  if (thread == 0u) {
    broadcast_word = atomicLoad(&total);
  }
  return workgroupUniformLoad(&broadcast_word);
}
