// Sums and maxima over a workgroup of WORKGROUP_SIZE invocations by subgroup operations, for subgroups of any size.
// Devices without them have the same functions in reduce.wgsl.

struct Lane {
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
  @builtin(subgroup_invocation_id) in_subgroup: u32,
}

// One slot a subgroup; there are at most as many subgroups as invocations.
var<workgroup> reduce_scratch: array<f32, WORKGROUP_SIZE>;

fn workgroup_sum(value: f32, lane: Lane) -> f32 {
  let part = subgroupAdd(value);
  if (lane.in_subgroup == 0u) {
    reduce_scratch[lane.subgroup] = part;
  }
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < lane.subgroups; i++) {
    sum += reduce_scratch[i];
  }
  workgroupBarrier();
  return sum;
}

fn workgroup_max(value: f32, lane: Lane) -> f32 {
  let part = subgroupMax(value);
  if (lane.in_subgroup == 0u) {
    reduce_scratch[lane.subgroup] = part;
  }
  workgroupBarrier();
  var largest = reduce_scratch[0];
  for (var i = 1u; i < lane.subgroups; i++) {
    largest = max(largest, reduce_scratch[i]);
  }
  workgroupBarrier();
  return largest;
}
