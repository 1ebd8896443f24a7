// Chooses one token: repetition penalty, temperature, top-k, top-p, min-p in the order of Hugging Face's generate, then
// a Gumbel-max draw from what is left. One workgroup. All decisions use u32 keys in the order of the scores, and
// integer sums: they are exact and do not depend on the schedule of the invocations.
// Needs lib/float-key, lib/wide, lib/radix-select, lib/random, lib/sample-candidates, lib/sample-select, THREADS, LIST
// (candidates that fit in workgroup memory) and DIGIT_BITS.

const NO_TOKEN = 0xffffffffu;
const NOT_FINITE = 0xfffffffeu;

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

// The tokens that may be drawn: candidates with larger keys than floor_key, and those with this key and an id up to
// last_id.
struct Kept {
  candidates: Candidates,
  floor_key: u32,
  last_id: u32,
}

// Top-k and top-p. The list holds the largest key of each block. The selections are a loop: compilers inline every
// call, so four calls would take four times as long to compile.
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
