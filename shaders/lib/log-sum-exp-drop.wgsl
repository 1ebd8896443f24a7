// Discards the log-sum-exp: a pipeline without the binding `logSumExp` must not mention it. log-sum-exp-keep.wgsl
// stores it.

fn store_log_sum_exp(at: u32, value: f32) {}
