// Stores the log-sum-exp of a row in the kernel's binding `logSumExp`. log-sum-exp-drop.wgsl is for kernels without it.

fn store_log_sum_exp(at: u32, value: f32) {
  logSumExp[at] = value;
}
