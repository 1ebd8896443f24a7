// A of one text row, the head mean of its attention weights (paper eqs. 9-11), from the logits of
// attention-logits.wgsl. head-mean.wgsl does the same for many rows.
// Needs lib/text-row, lib/pair-store, lib/split-sums, WORKGROUP_SIZE and KEYS (keys of an invocation).

struct Params {
  textRow: u32, // its number
  firstKey: u32, // keys before it are left out
  keys: u32, // S
  heads: u32,
  splits: u32,
  literal: u32, // 1: the mean of the scaled logits instead
}

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [H, S]
@group(0) @binding(1) var<storage, read> splitSums: array<f32>; // [splits, H], log-sum-exp
@group(0) @binding(2) var<storage, read> slots: array<u32>; // [S], column or text row at each row of the cache
@group(0) @binding(3) var<storage, read> textRows: array<TextRow>; // [text rows so far]
@group(0) @binding(4) var<storage, read_write> neighbours: array<f32>; // [text rows so far]
@group(0) @binding(5) var<storage, read_write> imageAttention: array<f32>; // packed [text rows so far, columns seen]
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let first = params.firstKey + id.x * KEYS;
  if (first >= params.keys) {
    return;
  }
  var means = array<f32, KEYS>();
  for (var head = 0u; head < params.heads; head++) {
    // Every invocation computes this: a broadcast would cost no less.
    let sum = split_sum(head);
    let log_sum = sum.largest + log(sum.total);
    for (var j = 0u; j < KEYS; j++) {
      let logit = logits[head * params.keys + min(first + j, params.keys - 1u)];
      means[j] += select(exp(logit - log_sum), logit, params.literal != 0u);
    }
  }
  for (var j = 0u; j < KEYS && first + j < params.keys; j++) {
    store_pair(params.textRow, 0u, first + j, means[j] / f32(params.heads));
  }
}
