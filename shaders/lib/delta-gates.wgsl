// The gates of a gated delta rule. In each row a value head's state decays by exp(log_decay) and is written with beta.

// log(1 + exp(x)). Near 0, log(1 + y) loses the digits of y, and thousands of rows would add up that error.
fn softplus(x: f32) -> f32 {
  let y = exp(-min(abs(x), 88.0));
  let series = y * (1.0 - y * (0.5 - y * (0.33333333 - 0.25 * y)));
  return max(x, 0.0) + select(log(1.0 + y), series, y < 0.01);
}

// -exp(A) softplus(a + bias), which is at most 0.
fn log_decay(a: f32, bias: f32, rate: f32) -> f32 {
  return -exp(rate) * softplus(a + bias);
}

fn write_gate(b: f32) -> f32 {
  return 1.0 / (1.0 + exp(-clamp(b, -88.0, 88.0)));
}
