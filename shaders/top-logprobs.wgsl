// The log-probability of the chosen token, and the most likely tokens with theirs: log-softmax over all logits. One
// workgroup. Each block of ids keeps its largest key that is not listed yet; each round lists the largest of them.
// Needs lib/float-key, THREADS and BLOCKS (a multiple of THREADS).

const NONE = 0xffffffffu;

struct Params {
  vocabulary: u32,
  count: u32, // tokens to list, at most 20
}

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [V]
@group(0) @binding(1) var<storage, read> allowed: array<u32>; // [ceil(V / 32)], bits: ids that may be listed
@group(0) @binding(2) var<storage, read> token: array<u32>; // [1], the chosen one
@group(0) @binding(3) var<storage, read_write> ids: array<u32>; // [21], the chosen one first
@group(0) @binding(4) var<storage, read_write> logprobs: array<f32>; // [21]
@group(0) @binding(5) var<uniform> params: Params;

// A block is the ids that are equal modulo BLOCKS. Key 0 is none.
var<workgroup> block_keys: array<u32, BLOCKS>;
var<workgroup> block_ids: array<u32, BLOCKS>;
var<workgroup> partial_sums: array<f32, THREADS>;
var<workgroup> largest: atomic<u32>;
var<workgroup> lowest: atomic<u32>;
var<workgroup> bounds: vec2u;

struct Best {
  key: u32,
  id: u32,
}

fn is_allowed(id: u32) -> bool {
  return ((allowed[id / 32u] >> (id % 32u)) & 1u) != 0u;
}

fn better(a: Best, b: Best) -> Best {
  if (b.key > a.key || (b.key == a.key && b.id < a.id)) {
    return b;
  }
  return a;
}

// The best of all invocations, returned to each of them.
fn workgroup_best(own: Best, thread: u32) -> Best {
  if (thread == 0u) {
    atomicStore(&largest, 0u);
    atomicStore(&lowest, NONE);
  }
  workgroupBarrier();
  atomicMax(&largest, own.key);
  workgroupBarrier();
  if (own.key == atomicLoad(&largest)) {
    atomicMin(&lowest, own.id);
  }
  workgroupBarrier();
  if (thread == 0u) {
    bounds = vec2u(atomicLoad(&largest), atomicLoad(&lowest));
  }
  let found = workgroupUniformLoad(&bounds);
  return Best(found.x, found.y);
}

// The sum over all invocations, in an order that does not depend on their schedule.
fn workgroup_sum(own: f32, thread: u32) -> f32 {
  partial_sums[thread] = own;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) {
      partial_sums[thread] += partial_sums[thread + half];
    }
  }
  return workgroupUniformLoad(&partial_sums[0]);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
  var own_largest = Best(0u, NONE); // of all ids, also those that may not be listed
  for (var block = thread; block < BLOCKS; block += THREADS) {
    var best = Best(0u, NONE);
    for (var id = block; id < params.vocabulary; id += BLOCKS) {
      let here = Best(key_of(logits[id]), id);
      own_largest = better(own_largest, here);
      if (is_allowed(id)) {
        best = better(best, here);
      }
    }
    block_keys[block] = best.key;
    block_ids[block] = best.id;
  }
  let top = value_of(workgroup_best(own_largest, thread).key);

  var own_sum = 0.0;
  for (var id = thread; id < params.vocabulary; id += THREADS) {
    own_sum += exp(logits[id] - top);
  }
  let log_sum = log(workgroup_sum(own_sum, thread));
  if (thread == 0u) {
    ids[0] = token[0];
    logprobs[0] = logits[min(token[0], params.vocabulary - 1u)] - top - log_sum;
  }

  for (var rank = 1u; rank <= params.count; rank++) {
    var own = Best(0u, NONE);
    for (var block = thread; block < BLOCKS; block += THREADS) {
      own = better(own, Best(block_keys[block], block_ids[block]));
    }
    let listed = workgroup_best(own, thread);
    if (thread == 0u) {
      ids[rank] = listed.id;
      logprobs[rank] = value_of(listed.key) - top - log_sum;
    }
    if (listed.key == 0u) {
      continue; // fewer ids than requested; uniform
    }
    let block = listed.id % BLOCKS;
    var next = Best(0u, NONE);
    for (var id = block + thread * BLOCKS; id < params.vocabulary; id += THREADS * BLOCKS) {
      let here = Best(key_of(logits[id]), id);
      let is_left = here.key < listed.key || (here.key == listed.key && id > listed.id);
      if (is_left && is_allowed(id)) {
        next = better(next, here);
      }
    }
    let found = workgroup_best(next, thread);
    if (thread == 0u) {
      block_keys[block] = found.key;
      block_ids[block] = found.id;
    }
    workgroupBarrier();
  }
}
