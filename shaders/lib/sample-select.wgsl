// Top-k, top-p and ties of sample.wgsl as radix selections over its candidates.
// Needs lib/sample-candidates, lib/wide, lib/radix-select, THREADS, LIST, DIGIT_BITS, and the shader's
// `params.temperature` and `params.topP`.

// The measures that `select_key` orders and sums.
const COUNT = 0u; // keys, each 1
const WEIGHT = 1u; // keys from `floor_key` on, each its softmax weight, until they reach topP of all
const TIES = 2u; // ids with exactly `floor_key`, each 1, the lowest first

var<workgroup> broadcast_selection: Selection; // from invocation 0 to the others

// exp((score - top) / temperature) as fixed point with 31 fractional bits.
fn weight_of(key: u32, top: f32) -> u32 {
  let exponent = max((value_of(key) - top) / params.temperature, -100.0);
  return u32(exp(exponent) * 2147483648.0 + 0.5);
}

// The key by which `measure` orders a candidate; 0 if it does not count.
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
    broadcast_word = atomicLoad(&total);
  }
  let count = workgroupUniformLoad(&broadcast_word);
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

// The weight that the kept tokens must reach: topP of all. Sums resolve a millionth, so a sum that close has reached
// it.
fn weight_goal() -> Wide {
  let goal = wide_scale(all_bins(), params.topP * 0.999999);
  return Wide(goal.high, max(goal.low, u32(goal.high == 0u)));
}

// Radix selection, digit by digit from the highest. `expected` is the number of candidates at first. Once the remaining
// ones fit into the list, only the list is read; a list of all candidates is returned to the caller.
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
      broadcast_selection = descend(found, shift);
    }
    found = workgroupUniformLoad(&broadcast_selection);
  }
  return found;
}
