// One axis of Pillow's resize on packed RGBA8 pixels: fixed-point sums, rounded and clipped to bytes; alpha becomes 255.
// y[i, j] = sum_t weights[o, t] * x[first of o + t on this line] + outside of o * colour, over 2^22,
// where the output o is j when resizing columns and i when resizing rows. One invocation a pixel, j fastest, so that
// neighbours write, and when resizing rows also read, neighbouring words.

struct Params {
  width: u32, // pixels of a row of the outputs
  height: u32, // rows of the outputs
  first_row: u32, // of y that is written
  columns: u32, // 1: resizes columns, 0: resizes rows
  taps: u32,
  origin: i32, // sample of the picture, along the axis, that x begins with
  stride: u32, // pixels from a row of x to the next
  colour: u32, // of the canvas around the picture, packed
}

@group(0) @binding(0) var<storage, read> x: array<u32>; // [rows, stride] RGBA8, red in the low byte
@group(0) @binding(1) var<storage, read> weights: array<i32>; // [outputs, taps], 2^22 is 1
@group(0) @binding(2) var<storage, read> bounds: array<i32>; // [outputs, 3]: first sample, samples, weight outside
@group(0) @binding(3) var<storage, read_write> y: array<u32>; // [>= first_row + height, width] RGBA8
@group(0) @binding(4) var<uniform> params: Params;

const PRECISION_BITS = 22u;

fn unpack(pixel: u32) -> vec3i {
  return vec3i((vec3u(pixel) >> vec3u(0u, 8u, 16u)) & vec3u(255u));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * 64u;
  if (index >= params.width * params.height) {
    return;
  }
  let i = index / params.width;
  let j = index % params.width;
  let by_columns = params.columns == 1u;
  let output = select(i, j, by_columns);
  let step = select(params.stride, 1u, by_columns);
  var at = select(j, i * params.stride, by_columns) + u32(bounds[output * 3u] - params.origin) * step;

  var sum = bounds[output * 3u + 2u] * unpack(params.colour) + vec3i(1 << (PRECISION_BITS - 1u));
  let count = u32(bounds[output * 3u + 1u]);
  for (var t = 0u; t < count; t++) {
    sum += weights[output * params.taps + t] * unpack(x[at]);
    at += step;
  }
  let bytes = vec3u(clamp(sum >> vec3u(PRECISION_BITS), vec3i(0), vec3i(255)));
  y[params.first_row * params.width + index] = bytes.r | (bytes.g << 8u) | (bytes.b << 16u) | (255u << 24u);
}
