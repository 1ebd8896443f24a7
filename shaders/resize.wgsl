// One axis of Pillow's resize on packed RGBA8 pixels: fixed-point sums, rounded and clipped to bytes. Each pixel of x is
// laid over white first, rounded to bytes as Pillow's alpha_composite does; alpha becomes 255.
// y[i, j] = sum_t weights[o, t] * x[first of o + t on this line] + outside of o * colour, over 2^22,
// where the output o goes with j when resizing columns and with i when resizing rows. Writes a rectangle of y. One
// invocation a pixel, j fastest: neighbours write neighbouring words, and read them too when resizing rows.

struct Params {
  width: u32, // of the rectangle of y that is written
  height: u32,
  left: u32,
  top: u32,
  yStride: u32, // pixels from a row of y to the next
  xStride: u32,
  columns: u32, // 1: resizes columns, 0: resizes rows
  line: u32, // row (or column) of x that the rectangle's first row (or column) is made from
  output: u32, // output that the rectangle's first column (or row) is
  origin: i32, // sample, along the axis, that x begins with
  taps: u32,
  colour: u32, // of the canvas around the picture, packed
}

@group(0) @binding(0) var<storage, read> x: array<u32>; // [rows, xStride] RGBA8, red in the low byte
@group(0) @binding(1) var<storage, read> weights: array<i32>; // [outputs, taps], 2^22 is 1
@group(0) @binding(2) var<storage, read> bounds: array<i32>; // [outputs, 3]: first sample, samples, weight outside
@group(0) @binding(3) var<storage, read_write> y: array<u32>; // [>= top + height, yStride] RGBA8
@group(0) @binding(4) var<uniform> params: Params;

const PRECISION_BITS = 22u;

fn unpack(pixel: u32) -> vec3i {
  return vec3i((vec3u(pixel) >> vec3u(0u, 8u, 16u)) & vec3u(255u));
}

fn overWhite(pixel: u32) -> vec3i {
  let alpha = i32(pixel >> 24u);
  if (alpha == 255) {
    return unpack(pixel);
  }
  let scaled = unpack(pixel) * alpha + 255 * (255 - alpha) + 128;
  return (scaled + (scaled >> vec3u(8u))) >> vec3u(8u); // divides by 255
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * 64u;
  if (index >= params.width * params.height) {
    return;
  }
  let i = index / params.width;
  let j = index % params.width;
  let byColumns = params.columns == 1u;
  let output = params.output + select(i, j, byColumns);
  let step = select(params.xStride, 1u, byColumns);
  let line = select(params.line + j, (params.line + i) * params.xStride, byColumns);
  var at = line + u32(bounds[output * 3u] - params.origin) * step;

  var sum = bounds[output * 3u + 2u] * unpack(params.colour) + vec3i(1 << (PRECISION_BITS - 1u));
  let count = u32(bounds[output * 3u + 1u]);
  for (var t = 0u; t < count; t++) {
    sum += weights[output * params.taps + t] * overWhite(x[at]);
    at += step;
  }
  let bytes = vec3u(clamp(sum >> vec3u(PRECISION_BITS), vec3i(0), vec3i(255)));
  y[(params.top + i) * params.yStride + params.left + j] = bytes.r | (bytes.g << 8u) | (bytes.b << 16u) | (255u << 24u);
}
