// The log-sum-exp of a head over all splits of the keys, as two terms: largest + log(total).
// Needs the kernel's binding `splitSums`, [splits, H], and its `params.splits` and `params.heads`.

struct SplitSum {
  largest: f32,
  total: f32,
}

fn split_sum(head: u32) -> SplitSum {
  var largest = splitSums[head];
  for (var i = 1u; i < params.splits; i++) {
    largest = max(largest, splitSums[i * params.heads + head]);
  }
  var total = 0.0;
  for (var i = 0u; i < params.splits; i++) {
    total += exp(splitSums[i * params.heads + head] - largest);
  }
  return SplitSum(largest, total);
}
