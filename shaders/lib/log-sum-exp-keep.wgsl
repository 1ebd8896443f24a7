// The log-sum-exp of a row goes to the binding `logSumExp` of the kernel.
// log-sum-exp-drop.wgsl is for kernels that have no such binding.

fn store_log_sum_exp(at: u32, value: f32) {
  logSumExp[at] = value;
}
