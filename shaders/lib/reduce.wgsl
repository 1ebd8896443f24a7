// Sums and maxima over a workgroup of WORKGROUP_SIZE (a power of two) invocations, through workgroup memory.
// For devices without subgroups; reduce-subgroup.wgsl has the same functions.

struct Lane {
  @builtin(local_invocation_index) index: u32,
}

var<workgroup> reduce_scratch: array<f32, WORKGROUP_SIZE>;

fn workgroup_sum(value: f32, lane: Lane) -> f32 {
  reduce_scratch[lane.index] = value;
  workgroupBarrier();
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    if (lane.index < half) {
      reduce_scratch[lane.index] += reduce_scratch[lane.index + half];
    }
    workgroupBarrier();
  }
  let sum = reduce_scratch[0];
  workgroupBarrier();
  return sum;
}

fn workgroup_max(value: f32, lane: Lane) -> f32 {
  reduce_scratch[lane.index] = value;
  workgroupBarrier();
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    if (lane.index < half) {
      reduce_scratch[lane.index] = max(reduce_scratch[lane.index], reduce_scratch[lane.index + half]);
    }
    workgroupBarrier();
  }
  let largest = reduce_scratch[0];
  workgroupBarrier();
  return largest;
}
