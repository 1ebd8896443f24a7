// Sums and maxima over a workgroup that is one quad (WORKGROUP_SIZE 4), without a barrier and without workgroup memory.
// For software adapters: a barrier costs as much there as hundreds of loads. Needs subgroups. reduce.wgsl and
// reduce-subgroup.wgsl have the same functions for workgroups of other sizes.

struct Lane {
  @builtin(local_invocation_index) index: u32,
}

fn workgroup_sum(value: f32, lane: Lane) -> f32 {
  let pair = value + quadSwapX(value);
  return pair + quadSwapY(pair);
}

fn workgroup_max(value: f32, lane: Lane) -> f32 {
  let pair = max(value, quadSwapX(value));
  return max(pair, quadSwapY(pair));
}
