// adjusted = logits + bias, then the penalties: for repetition on seen ids, for frequency and presence on generated ones.
// Counts the token chosen last, which each invocation compares with its own id.

const WORKGROUP_SIZE = 256u;

struct Params {
  vocabulary: u32,
  hasLast: u32, // 1: token was chosen from the row before
  repetitionPenalty: f32,
  frequencyPenalty: f32,
  presencePenalty: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [V]
@group(0) @binding(1) var<storage, read> bias: array<f32>; // [V]
@group(0) @binding(2) var<storage, read> seen: array<u32>; // [ceil(V / 32)], bits
@group(0) @binding(3) var<storage, read> token: array<u32>; // [1]
@group(0) @binding(4) var<storage, read_write> counts: array<u32>; // [V]
@group(0) @binding(5) var<storage, read_write> adjusted: array<f32>; // [V]
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let id = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  if (id >= params.vocabulary) {
    return;
  }
  let count = counts[id] + u32(params.hasLast == 1u && token[0] == id);
  counts[id] = count;
  var score = logits[id] + bias[id];
  if (((seen[id / 32u] >> (id % 32u)) & 1u) != 0u) {
    score = select(score / params.repetitionPenalty, score * params.repetitionPenalty, score < 0.0);
  }
  score -= params.frequencyPenalty * f32(count) + params.presencePenalty * f32(min(count, 1u));
  // The sampler detects infinities and NaN by their bits, which arithmetic may not preserve.
  let is_finite = (bitcast<u32>(logits[id]) & 0x7f800000u) != 0x7f800000u;
  adjusted[id] = select(logits[id], score, is_finite);
}
