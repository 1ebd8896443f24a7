// Norms of queries and keys before RoPE, in place, over each head or over all heads of a row at once: an RMS norm
// x / sqrt(mean x^2 + eps) * weight, or with CENTRED 1 a layer norm of x - mean x, plus a bias. One workgroup a row and span
// of channels. Needs lib/reduce, WORKGROUP_SIZE and CENTRED (0 or 1).

struct Params {
  rows: u32,
  stride: u32, // elements from a row to the next
  querySpans: u32, // H, or 1
  querySpan: u32, // D, or H D
  queryPitch: u32, // elements from a span of queries to the next
  keySpans: u32, // Hk, or 1
  keySpan: u32, // D, or Hk D
  eps: f32,
}

@group(0) @binding(0) var<storage, read> queryWeight: array<f32>; // [querySpan]
@group(0) @binding(1) var<storage, read> keyWeight: array<f32>; // [keySpan]
@group(0) @binding(2) var<storage, read> queryBias: array<f32>; // [querySpan]; not read unless CENTRED
@group(0) @binding(3) var<storage, read> keyBias: array<f32>; // [keySpan]; not read unless CENTRED
@group(0) @binding(4) var<storage, read_write> qkv: array<f32>; // [T, stride], queries, keys and values; values stay
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(lane: Lane, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = group.x + group.y * groups.x;
  let spans = params.querySpans + params.keySpans;
  if (index >= params.rows * spans) {
    return;
  }
  let span = index % spans;
  let is_query = span < params.querySpans;
  let width = select(params.keySpan, params.querySpan, is_query);
  let queries = params.querySpans * params.queryPitch;
  let in_row = select(queries + (span - params.querySpans) * params.keySpan, span * params.queryPitch, is_query);
  let start = index / spans * params.stride + in_row;
  var mean = 0.0;
  if (CENTRED == 1u) {
    var sum = 0.0;
    for (var c = lane.index; c < width; c += WORKGROUP_SIZE) {
      sum += qkv[start + c];
    }
    mean = workgroup_sum(sum, lane) / f32(width);
  }
  var squares = 0.0;
  for (var c = lane.index; c < width; c += WORKGROUP_SIZE) {
    let value = qkv[start + c] - mean;
    squares += value * value;
  }
  let scale = inverseSqrt(workgroup_sum(squares, lane) / f32(width) + params.eps);
  for (var c = lane.index; c < width; c += WORKGROUP_SIZE) {
    var weight: f32;
    var bias = 0.0;
    if (is_query) {
      weight = queryWeight[c];
      if (CENTRED == 1u) {
        bias = queryBias[c];
      }
    } else {
      weight = keyWeight[c];
      if (CENTRED == 1u) {
        bias = keyBias[c];
      }
    }
    qkv[start + c] = (qkv[start + c] - mean) * (scale * weight) + bias;
  }
}
