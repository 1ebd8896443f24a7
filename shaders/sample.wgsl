// Chooses one token: repetition penalty, temperature, top-k, top-p, min-p in the order of Hugging Face's generate, then a
// Gumbel-max draw from what is left. One workgroup. All decisions are made on u32 keys that order as the scores do, and
// on integer sums: exact, and the same however the invocations are scheduled.
// Needs lib/float-key, lib/wide, lib/radix-select, lib/random, THREADS, LIST (candidates that fit
// in workgroup memory) and DIGIT_BITS.

const BLOCKS = min(LIST, 256u); // a block is the ids that are equal modulo BLOCKS
const STEP = 4u; // keys that an invocation reads at once, so that loads overlap
const NO_TOKEN = 0xffffffffu;
const NOT_FINITE = 0xfffffffeu;
const NOT_FINITE_KEY = 0xffffffffu; // above the key of every number

struct Params {
  vocabulary: u32,
  topK: u32, // 0 keeps all
  seed: u32,
  step: u32,
  temperature: f32, // 0 takes the largest
  topP: f32, // 1 keeps all
  repetitionPenalty: f32,
  minGap: f32, // most that a kept score may lie below the largest, times temperature; 1e37 keeps all
}

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [V]
@group(0) @binding(1) var<storage, read> allowed: array<u32>; // [ceil(V / 32)], bits
@group(0) @binding(2) var<storage, read_write> seen: array<u32>; // [ceil(V / 32)], bits
@group(0) @binding(3) var<storage, read_write> token: array<u32>; // [1]
@group(0) @binding(4) var<uniform> params: Params;

// The tokens that are looked at: those of the list, or all.
struct Candidates {
  listed: bool,
  count: u32,
}

// What `select_key` orders and adds up.
const COUNT = 0u; // keys, each 1
const WEIGHT = 1u; // keys from `floor_key` on, each its softmax weight, until they reach topP of all
const TIES = 2u; // ids with exactly `floor_key`, each 1, the lowest first

var<workgroup> list_ids: array<u32, LIST>;
var<workgroup> list_keys: array<u32, LIST>;
var<workgroup> total: atomic<u32>; // a count or a maximum in the making
// What invocation 0 tells the others.
var<workgroup> told_word: u32;
var<workgroup> told_selection: Selection;

fn has_bit(word: u32, id: u32) -> bool {
  return ((word >> (id % 32u)) & 1u) != 0u;
}

// The key of a token's logit after the penalty; 0 if it may not be chosen. Infinities and NaN, which WGSL's arithmetic may
// ignore, are told by their bits. Beyond 1e36 all logits are equal, so that differences stay finite.
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
  return score_keys(i, THREADS);
}

// The largest value of all invocations, for all.
fn workgroup_largest(value: u32, thread: u32) -> u32 {
  if (thread == 0u) {
    atomicStore(&total, 0u);
  }
  workgroupBarrier();
  atomicMax(&total, value);
  workgroupBarrier();
  if (thread == 0u) {
    told_word = atomicLoad(&total);
  }
  return workgroupUniformLoad(&told_word);
}

// exp((score - top) / temperature) with 31 bits behind the point.
fn weight_of(key: u32, top: f32) -> u32 {
  let exponent = max((value_of(key) - top) / params.temperature, -100.0);
  return u32(exp(exponent) * 2147483648.0 + 0.5);
}

// What `measure` orders a candidate by; 0 if it does not count.
fn measured_key(measure: u32, key: u32, id: u32, floor_key: u32) -> u32 {
  if (measure == TIES) {
    return select(0u, ~id, key == floor_key);
  }
  return select(0u, key, key >= floor_key);
}

// Lists the tokens whose measured keys have these digits above `shift`, if they fit; if not, all tokens.
fn list_candidates(measure: u32, floor_key: u32, digits: u32, shift: u32, thread: u32) -> Candidates {
  if (thread == 0u) {
    atomicStore(&total, 0u);
  }
  workgroupBarrier();
  let all = Candidates(false, params.vocabulary);
  for (var i = thread; i < all.count; i += STEP * THREADS) {
    let keys = candidate_keys(all, i);
    for (var j = 0u; j < STEP; j++) {
      let id = i + j * THREADS;
      let measured = measured_key(measure, keys[j], id, floor_key);
      if (measured != 0u && same_digits(measured, digits, shift)) {
        let at = atomicAdd(&total, 1u);
        if (at < LIST) {
          list_ids[at] = id;
          list_keys[at] = keys[j];
        }
      }
    }
  }
  workgroupBarrier();
  if (thread == 0u) {
    told_word = atomicLoad(&total);
  }
  let count = workgroupUniformLoad(&told_word);
  if (count > LIST) {
    return all;
  }
  return Candidates(true, count);
}

// Fills the bins of the digit above `shift` with the measure of the candidates that agree with `digits` before it.
fn fill_bins(
  candidates: Candidates, measure: u32, floor_key: u32, digits: u32, shift: u32, top: f32, thread: u32,
) {
  clear_bins(thread);
  for (var i = thread; i < candidates.count; i += STEP * THREADS) {
    let keys = candidate_keys(candidates, i);
    for (var j = 0u; j < STEP; j++) {
      let key = keys[j];
      if (key != 0u) {
        let measured = measured_key(measure, key, candidate_id(candidates, i + j * THREADS), floor_key);
        if (measured != 0u && same_digits(measured, digits, shift + DIGIT_BITS)) {
          var value = 1u;
          if (measure == WEIGHT) {
            value = weight_of(key, top);
          }
          add_to_bin((measured >> shift) % BINS, value);
        }
      }
    }
  }
  sum_groups(thread);
}

// The weight that the kept tokens must reach: topP of all. Sums cannot tell less than a millionth, so that what comes as
// close has reached it.
fn weight_goal() -> Wide {
  let goal = wide_scale(all_bins(), params.topP * 0.999999);
  return Wide(goal.high, max(goal.low, u32(goal.high == 0u)));
}

// Radix selection, digit by digit from the highest. As soon as the candidates left fit into the list (those at first are
// `expected`), only the list is looked at; if that holds all of them, it stays with the caller.
fn select_key(
  candidates: ptr<function, Candidates>, expected: u32, measure: u32, floor_key: u32, goal: u32, top: f32, thread: u32,
) -> Selection {
  var left = *candidates;
  var found = Selection(0u, Wide(0u, 0u), Wide(0u, goal), expected);
  for (var shift = 32u; shift > 0u;) {
    if (!left.listed && found.count <= LIST) {
      left = list_candidates(measure, floor_key, found.key, shift, thread);
      if (shift == 32u) {
        *candidates = left;
      }
    }
    shift -= DIGIT_BITS;
    fill_bins(left, measure, floor_key, found.key, shift, top, thread);
    if (thread == 0u) {
      if (measure == WEIGHT && shift == 32u - DIGIT_BITS) {
        found.goal = weight_goal();
      }
      told_selection = descend(found, shift);
    }
    found = workgroupUniformLoad(&told_selection);
  }
  return found;
}

// What may be drawn: candidates with larger keys than floor_key, and of those with this key the ids up to last_id.
struct Kept {
  candidates: Candidates,
  floor_key: u32,
  last_id: u32,
}

// Top-k and top-p. The list holds the largest key of each block. The selections are a loop, for code that is inlined
// everywhere is compiled as often.
fn keep(top_key: u32, thread: u32) -> Kept {
  let top = value_of(top_key);
  let use_top_k = params.topK > 0u && params.topK < params.vocabulary;
  var kept = Kept(Candidates(false, params.vocabulary), 1u, NO_TOKEN);
  var found = Selection(0u, Wide(0u, 0u), Wide(0u, 0u), 0u);
  for (var stage = 0u; stage < 4u; stage++) {
    var candidates = kept.candidates;
    var expected = 0xffffffffu; // not known
    var measure = COUNT;
    var goal = params.topK;
    var wanted = use_top_k;
    if (stage == 0u) {
      // The k-th largest of the blocks' maxima is at most the k-th largest of all: it leaves few tokens to sort.
      wanted = use_top_k && params.topK <= BLOCKS;
      candidates = Candidates(true, BLOCKS);
    } else if (stage == 1u) {
      expected = select(expected, 0u, kept.floor_key > 1u);
    } else if (stage == 2u) {
      wanted = params.topP < 1.0;
      measure = WEIGHT;
    } else {
      let ties = ceil(wide_difference(found.goal, found.above) / f32(weight_of(kept.floor_key, top)));
      wanted = params.topP < 1.0 && found.key != 0u && ties < f32(found.count);
      measure = TIES;
      goal = u32(ties);
    }
    if (wanted) {
      found = select_key(&candidates, expected, measure, kept.floor_key, goal, top, thread);
      if (stage == 3u) {
        kept.last_id = ~found.key;
      } else {
        kept.floor_key = max(kept.floor_key, found.key);
      }
      if (stage > 0u) {
        kept.candidates = candidates;
      }
    }
  }
  return kept;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
  var best_key = 0u;
  var best_id = NO_TOKEN;
  let all = Candidates(false, params.vocabulary);
  for (var block = thread; block < BLOCKS; block += THREADS) {
    var block_key = 0u;
    var block_id = NO_TOKEN;
    for (var i = block; i < params.vocabulary; i += STEP * BLOCKS) {
      let keys = score_keys(i, BLOCKS);
      let key = max(max(keys.x, keys.y), max(keys.z, keys.w));
      if (key > block_key) {
        block_key = key;
        // The first of equal keys.
        let past_low = select(select(3u, 2u, keys.z == key), 1u, keys.y == key);
        block_id = i + select(past_low, 0u, keys.x == key) * BLOCKS;
      }
    }
    if (block_key > best_key || (block_key == best_key && block_id < best_id)) {
      best_key = block_key;
      best_id = block_id;
    }
    list_keys[block] = block_key;
  }
  let top_key = workgroup_largest(best_key, thread);

  if (top_key != 0u && top_key != NOT_FINITE_KEY && params.temperature > 0.0) {
    var kept = keep(top_key, thread);
    let least_key = key_of(value_of(top_key) - params.minGap);
    if (least_key > kept.floor_key) {
      kept.floor_key = least_key;
      kept.last_id = NO_TOKEN;
    }
    let stream = hash(hash(params.seed) + params.step);
    best_key = 0u;
    best_id = NO_TOKEN;
    for (var i = thread; i < kept.candidates.count; i += STEP * THREADS) {
      let keys = candidate_keys(kept.candidates, i);
      for (var j = 0u; j < STEP; j++) {
        let key = keys[j];
        if (key >= kept.floor_key) {
          let id = candidate_id(kept.candidates, i + j * THREADS);
          let score = max((value_of(key) - value_of(top_key)) / params.temperature, -1e30);
          let drawn = key_of(score + gumbel(hash(hash(id) ^ stream)));
          let is_kept = key > kept.floor_key || id <= kept.last_id;
          if (is_kept && (drawn > best_key || (drawn == best_key && id < best_id))) {
            best_key = drawn;
            best_id = id;
          }
        }
      }
    }
  }

  // The lowest id of those with the largest key.
  let largest = workgroup_largest(best_key, thread);
  let lowest = ~workgroup_largest(select(0u, ~best_id, best_key == largest), thread);
  let chosen = select(lowest, NOT_FINITE, top_key == NOT_FINITE_KEY);
  if (thread == 0u) {
    token[0] = chosen;
    if (chosen < params.vocabulary) {
      seen[chosen / 32u] |= 1u << (chosen % 32u);
    }
  }
}
