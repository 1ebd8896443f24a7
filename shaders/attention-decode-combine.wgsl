// Joins the splits of attention-decode.wgsl. Each split is a softmax of its own; its weight is exp(its log-sum-exp).
// One workgroup a head.
// Needs lib/part-*, lib/split-sums, HEAD_PARTS (Parts in a head) and THREADS.

struct Params {
  splits: u32,
  heads: u32,
}

@group(0) @binding(0) var<storage, read> splitOutputs: array<Part>; // [splits, H, D]
@group(0) @binding(1) var<storage, read> splitSums: array<f32>; // [splits, H], log-sum-exp
@group(0) @binding(2) var<storage, read_write> y: array<Part>; // [H, D]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let head = workgroup.x;
  let sum = split_sum(head);
  for (var part = thread; part < HEAD_PARTS; part += THREADS) {
    var value = Part();
    for (var i = 0u; i < params.splits; i++) {
      let at = i * params.heads + head;
      value += splitOutputs[at * HEAD_PARTS + part] * (exp(splitSums[at] - sum.largest) / sum.total);
    }
    y[head * HEAD_PARTS + part] = value;
  }
}
