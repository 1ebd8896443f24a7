// Chooses one token: repetition penalty, temperature, top-k, top-p in the order of Hugging Face's generate, then a
// Gumbel-max draw from what is left. One workgroup. All decisions are made on u32 keys that order as the scores do, and
// on integer sums: exact, and the same however the invocations are scheduled.
// Needs lib/wide and lib/random.

const THREADS = 256u;
const LIST = 1024u; // candidates kept in workgroup memory
const DIGIT_BITS = 4u;
const BINS = 1u << DIGIT_BITS;
const NO_TOKEN = 0xffffffffu;

struct Params {
  vocabulary: u32,
  topK: u32, // 0 keeps all
  seed: u32,
  step: u32,
  temperature: f32, // 0 takes the largest
  topP: f32, // 1 keeps all
  repetitionPenalty: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [V]
@group(0) @binding(1) var<storage, read> allowed: array<u32>; // [ceil(V / 32)], bits
@group(0) @binding(2) var<storage, read_write> seen: array<u32>; // [ceil(V / 32)], bits
@group(0) @binding(3) var<storage, read_write> token: array<u32>; // [1]
@group(0) @binding(4) var<uniform> params: Params;

// What select_key orders and adds up.
const COUNT = 0u; // candidates, each 1
const WEIGHT = 1u; // candidates from floor_key on, each its softmax weight
const TIES = 2u; // candidates of exactly floor_key, each 1, lowest id first

struct Selection {
  key: u32, // the largest key at or above which the measure reaches the goal; 0 if all together do not reach it
  above: Wide, // the measure above it
}

var<workgroup> largest: atomic<u32>;
var<workgroup> bins_high: array<atomic<u32>, BINS>;
var<workgroup> bins_low: array<atomic<u32>, BINS>;
var<workgroup> list_length: atomic<u32>;
var<workgroup> list_ids: array<u32, LIST>;
var<workgroup> list_keys: array<u32, LIST>;
// What lane 0 tells the others.
var<workgroup> uniform_word: u32;
var<workgroup> uniform_wide: Wide;
var<workgroup> uniform_selection: Selection;

// The key of a finite number; larger numbers have larger keys, and none has 0.
fn key_of(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  return select(bits | 0x80000000u, ~bits, bits > 0x80000000u);
}

fn value_of(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, key >= 0x80000000u));
}

fn has_bit(word: u32, id: u32) -> bool {
  return extractBits(word, id % 32u, 1u) != 0u;
}

// The key of a token's logit after the penalty; 0 if it may not be chosen or is -inf or NaN, which WGSL's arithmetic may
// ignore and so are told by their bits. Beyond 1e37 all logits are equal, so that differences stay finite.
fn score_key(id: u32) -> u32 {
  let logit = logits[id];
  let bits = bitcast<u32>(logit);
  if (!has_bit(allowed[id / 32u], id) || bits >= 0xff800000u || (bits > 0x7f800000u && bits < 0x80000000u)) {
    return 0u;
  }
  var score = select(clamp(logit, -1e37, 1e37), 1e37, bits == 0x7f800000u);
  if (has_bit(seen[id / 32u], id)) {
    score = select(score / params.repetitionPenalty, score * params.repetitionPenalty, score < 0.0);
  }
  return key_of(score);
}

// The largest value of all invocations, for all.
fn workgroup_largest(value: u32, lane: u32) -> u32 {
  if (lane == 0u) {
    atomicStore(&largest, 0u);
  }
  workgroupBarrier();
  atomicMax(&largest, value);
  workgroupBarrier();
  if (lane == 0u) {
    uniform_word = atomicLoad(&largest);
  }
  return workgroupUniformLoad(&uniform_word);
}

// The lowest id among the invocations with the largest key.
fn workgroup_choice(key: u32, id: u32, lane: u32) -> u32 {
  let best = workgroup_largest(key, lane);
  return ~workgroup_largest(select(0u, ~id, key == best), lane);
}

// The tokens that are looked at: those of the list, or all.
struct Candidates {
  listed: bool,
  count: u32,
}

fn candidate_id(candidates: Candidates, i: u32) -> u32 {
  if (candidates.listed) {
    return list_ids[i];
  }
  return i;
}

fn candidate_key(candidates: Candidates, i: u32) -> u32 {
  if (candidates.listed) {
    return list_keys[i];
  }
  return score_key(i);
}

// Lists the tokens with keys from `bound` on, if they fit.
fn list_candidates(bound: u32, lane: u32) -> Candidates {
  if (lane == 0u) {
    atomicStore(&list_length, 0u);
  }
  workgroupBarrier();
  for (var id = lane; id < params.vocabulary; id += THREADS) {
    let key = score_key(id);
    if (key >= bound) {
      let at = atomicAdd(&list_length, 1u);
      if (at < LIST) {
        list_ids[at] = id;
        list_keys[at] = key;
      }
    }
  }
  workgroupBarrier();
  if (lane == 0u) {
    uniform_word = atomicLoad(&list_length);
  }
  let length = workgroupUniformLoad(&uniform_word);
  if (length > LIST) {
    return Candidates(false, params.vocabulary);
  }
  return Candidates(true, length);
}

// exp((score - top) / temperature) with 31 bits behind the point.
fn weight_of(key: u32, top: f32) -> u32 {
  let exponent = max((value_of(key) - top) / params.temperature, -100.0);
  return u32(exp(exponent) * 2147483648.0 + 0.5);
}

fn clear_bins(lane: u32) {
  if (lane < BINS) {
    atomicStore(&bins_high[lane], 0u);
    atomicStore(&bins_low[lane], 0u);
  }
  workgroupBarrier();
}

fn add_to_bin(bin: u32, value: Wide) {
  let before = atomicAdd(&bins_low[bin], value.low);
  let carry = u32(before + value.low < before);
  if (value.high + carry > 0u) {
    atomicAdd(&bins_high[bin], value.high + carry);
  }
}

fn bin_value(bin: u32) -> Wide {
  return Wide(atomicLoad(&bins_high[bin]), atomicLoad(&bins_low[bin]));
}

// The sum of the weights of the candidates with keys from `floor_key` on.
fn total_weight(candidates: Candidates, floor_key: u32, top: f32, lane: u32) -> Wide {
  clear_bins(lane);
  var sum = Wide(0u, 0u);
  for (var i = lane; i < candidates.count; i += THREADS) {
    let key = candidate_key(candidates, i);
    if (key >= floor_key) {
      sum = wide_add(sum, Wide(0u, weight_of(key, top)));
    }
  }
  add_to_bin(0u, sum);
  workgroupBarrier();
  if (lane == 0u) {
    uniform_wide = bin_value(0u);
  }
  return workgroupUniformLoad(&uniform_wide);
}

// Radix selection, digit by digit from the highest.
fn select_key(candidates: Candidates, measure: u32, floor_key: u32, goal: Wide, top: f32, lane: u32) -> Selection {
  var found = Selection(0u, Wide(0u, 0u)); // with the digits so far
  for (var shift = 32u; shift > 0u;) {
    shift -= DIGIT_BITS;
    clear_bins(lane);
    for (var i = lane; i < candidates.count; i += THREADS) {
      var key = candidate_key(candidates, i);
      var value = 1u;
      if (measure == WEIGHT) {
        value = select(0u, weight_of(key, top), key >= floor_key);
      } else if (measure == TIES) {
        key = select(0u, ~candidate_id(candidates, i), key == floor_key);
      }
      // Shifts by 32 are not defined: the digits above this one are shifted out in two steps.
      if (key != 0u && value != 0u && ((key ^ found.key) >> shift) >> DIGIT_BITS == 0u) {
        add_to_bin((key >> shift) % BINS, Wide(0u, value));
      }
    }
    workgroupBarrier();
    if (lane == 0u) {
      var bin = BINS - 1u;
      var sum = found.above;
      for (; bin > 0u; bin--) {
        let with_bin = wide_add(sum, bin_value(bin));
        if (!wide_less(with_bin, goal)) {
          break;
        }
        sum = with_bin;
      }
      uniform_selection = Selection(found.key | (bin << shift), sum);
    }
    found = workgroupUniformLoad(&uniform_selection);
  }
  return found;
}

// What may be drawn: candidates with larger keys than floor_key, and of those with this key the ids up to last_id.
struct Kept {
  candidates: Candidates,
  floor_key: u32,
  last_id: u32,
}

// Top-k and top-p. `lane_key` is the largest key that this invocation has seen.
fn keep(top_key: u32, lane_key: u32, lane: u32) -> Kept {
  let top = value_of(top_key);
  var kept = Kept(Candidates(false, params.vocabulary), 1u, NO_TOKEN);

  if (params.topK > 0u && params.topK < params.vocabulary) {
    // The k-th largest of the invocations' own maxima is at most the k-th largest of all: few tokens are left to sort.
    var bound = 1u;
    if (params.topK <= THREADS) {
      list_keys[lane] = lane_key;
      bound = max(select_key(Candidates(true, THREADS), COUNT, 0u, Wide(0u, params.topK), top, lane).key, 1u);
    }
    kept.candidates = list_candidates(bound, lane);
    kept.floor_key = max(select_key(kept.candidates, COUNT, 0u, Wide(0u, params.topK), top, lane).key, 1u);
  }

  if (params.topP < 1.0) {
    let total = total_weight(kept.candidates, kept.floor_key, top, lane);
    // Sums cannot tell less than a millionth: what comes so close to topP has reached it.
    var goal = wide_scale(total, params.topP * 0.999999);
    if (wide_less(goal, Wide(0u, 1u))) {
      goal = Wide(0u, 1u);
    }
    if (!kept.candidates.listed) {
      // Tokens of less than (1 - topP) / V have not 1 - topP together: the others reach topP. Half of it, for rounding.
      let share = 0.5 * (1.0 - params.topP) / f32(params.vocabulary);
      let weight = share * wide_difference(total, Wide(0u, 0u)) / 2147483648.0;
      let bound = key_of(max(top + params.temperature * log(weight), -1e38));
      kept.candidates = list_candidates(max(bound, kept.floor_key), lane);
    }
    let boundary = select_key(kept.candidates, WEIGHT, kept.floor_key, goal, top, lane);
    if (boundary.key != 0u) {
      kept.floor_key = boundary.key;
      let ties = ceil(wide_difference(goal, boundary.above) / f32(weight_of(boundary.key, top)));
      kept.last_id = ~select_key(kept.candidates, TIES, boundary.key, Wide(0u, u32(ties)), top, lane).key;
    }
  }
  return kept;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
  var best_key = 0u;
  var best_id = NO_TOKEN;
  for (var id = lane; id < params.vocabulary; id += THREADS) {
    let key = score_key(id);
    if (key > best_key) {
      best_key = key;
      best_id = id;
    }
  }
  let top_key = workgroup_largest(best_key, lane);

  if (top_key != 0u && params.temperature > 0.0) {
    let kept = keep(top_key, best_key, lane);
    let stream = hash(hash(params.seed) + params.step);
    best_key = 0u;
    for (var i = lane; i < kept.candidates.count; i += THREADS) {
      let key = candidate_key(kept.candidates, i);
      let id = candidate_id(kept.candidates, i);
      if (key > kept.floor_key || (key == kept.floor_key && id <= kept.last_id)) {
        let score = max((value_of(key) - value_of(top_key)) / params.temperature, -1e30);
        let draw_key = key_of(score + gumbel(hash(hash(id) ^ stream)));
        if (draw_key > best_key || (draw_key == best_key && id < best_id)) {
          best_key = draw_key;
          best_id = id;
        }
      }
    }
  }

  let chosen = workgroup_choice(best_key, best_id, lane);
  if (lane == 0u) {
    token[0] = chosen;
    if (chosen < params.vocabulary) {
      seen[chosen / 32u] |= 1u << (chosen % 32u);
    }
  }
}
