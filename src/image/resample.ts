/**
 * Pillow's resampling coefficients along one axis (src/libImaging/Resample.c). They are computed in double precision,
 * then rounded to 22-bit fixed point, or fewer bits as torchvision does. A resize on any device can therefore be
 * bit-equal. Covers only the requested outputs, and folds the padding of a canvas into one number per output, so that
 * the canvas is never built. Pure; shaders/resize.wgsl computes the sums.
 */
import type { AxisPlan, Canvas, PictureSpec } from "../spec/picture-spec.ts";

type Filter = PictureSpec["filter"];

const PRECISION_BITS = 22;

/** Reach of the filter in input samples, when not shrinking. */
const SUPPORT = { bilinear: 1, bicubic: 2, lanczos: 3 } as const;

/** For each output: the sum over its samples of weight * picture, plus `outside` * colour of the canvas, over 2^22. */
export interface ResampleTable {
  /** The picture's samples that outputs read, half-open. */
  first: number;
  end: number;
  /** The most samples of one output. */
  taps: number;
  /** [outputs, taps], 2^22 is 1; zero after an output's last sample. */
  weights: Int32Array;
  /**
   * [outputs, 3]: the first sample of the picture, the number of samples, the weight of the canvas outside the picture.
   */
  bounds: Int32Array;
}

/**
 * True if a canvas's rows are resized before its columns. Pillow does so since 13.0 if the height shrinks by more than
 * twice as much as the width. The order changes the result, because the bytes in between are rounded.
 */
export function rowsFirst({ x, y }: Pick<Canvas, "x" | "y">): boolean {
  const shrinks = y.canvasSize - y.resizedSize;
  return shrinks > 0 && shrinks > 2 * (x.canvasSize - x.resizedSize);
}

/** Some neighbouring outputs, and the samples that they read; both half-open. */
export interface Strip {
  from: number;
  to: number;
  first: number;
  end: number;
}

/** All outputs in strips of at most `maxOutputs` that read at least one sample and at most `maxSamples`; or of one output. */
export function strips({ first, bounds }: ResampleTable, maxOutputs: number, maxSamples: number): Strip[] {
  const found: Strip[] = [];
  for (let output = 0; output < bounds.length / 3; output++) {
    const [start, count] = bounds.subarray(output * 3, output * 3 + 2) as unknown as [number, number];
    const last = found.at(-1);
    // Outputs of padding read nothing. The starts and ends of the others only grow.
    if (last && output - last.from < maxOutputs && (count === 0 || start + count - last.first <= maxSamples)) {
      last.to = output + 1;
      last.end = Math.max(last.end, start + count);
    } else {
      const from = count === 0 ? first : start;
      found.push({ from: output, to: output + 1, first: from, end: from + Math.max(1, count) });
    }
  }
  return found;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** `filter` at `x`; the cubic is Keys' with a = -0.5, Lanczos has a = 3. */
function filterWeight(filter: Filter, x: number): number {
  const distance = Math.abs(x);
  if (filter === "bilinear") return Math.max(0, 1 - distance);
  if (filter === "lanczos") return distance < 3 ? sinc(distance) * sinc(distance / 3) : 0;
  if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
  return distance < 2 ? (((distance - 5) * distance + 8) * distance - 4) * -0.5 : 0;
}

/** Rounds half away from zero to so many bits, as Pillow does with 22. 2^22 is 1 whatever the bits. */
function toFixedPoint(weight: number, bits: number): number {
  const scaled = weight * 2 ** bits;
  return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5) * 2 ** (PRECISION_BITS - bits);
}

/**
 * Bits of torchvision's weights: the most that keep an axis's largest weight in 16 bits with its sign, and at most
 * Pillow's.
 */
function torchBits(largest: number): number {
  let bits = 0;
  while (bits < PRECISION_BITS && Math.trunc(largest * 2 ** (bits + 1) + 0.5) < 2 ** 15) bits++;
  return bits;
}

/** Weights of one output over the canvas, and the first sample. */
function canvasWeights(axis: AxisPlan, filter: Filter, output: number) {
  const scale = axis.canvasSize / axis.resizedSize;
  // A copy, because every filter is 1 at 0 and 0 at other integers.
  if (scale === 1) return { first: axis.cropStart + output, weights: [1] };
  // When shrinking, the filter widens with the scale, so that it antialiases.
  const filterScale = Math.max(scale, 1);
  const support = SUPPORT[filter] * filterScale;
  const centre = (axis.cropStart + output + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - support + 0.5));
  const end = Math.min(axis.canvasSize, Math.trunc(centre + support + 0.5));
  const weights = Array.from({ length: end - first }, (_, i) =>
    filterWeight(filter, (i + first - centre + 0.5) * (1 / filterScale)),
  );
  // Normalised after the canvas's borders have cut them.
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return { first, weights: weights.map((weight) => weight / sum) };
}

/**
 * The coefficients of `axis`.
 *
 * Assumes that rows wholly in the padding keep the canvas's colour in the other axis's pass. That holds if an output
 * has fewer than 2^22 / 255 taps: the rounding of its weights then stays below half a byte. MAX_SIDE of limits.ts
 * ensures that for sides of 16 pixels or more (Lanczos: 24).
 *
 * @param likeTorch rounds weights as torchvision does for bytes, instead of as Pillow does
 */
export function resampleTable(axis: AxisPlan, filter: Filter, likeTorch = false): ResampleTable {
  const { pictureStart, pictureSize, size } = axis;
  const exact = Array.from({ length: size }, (_, output) => canvasWeights(axis, filter, output));
  const largest = exact.reduce((most, { weights }) => Math.max(most, ...weights), 0);
  const bits = likeTorch ? torchBits(largest) : PRECISION_BITS;
  const outputs = exact.map(({ first, weights: unrounded }) => {
    const weights = unrounded.map((weight) => toFixedPoint(weight, bits));
    const from = Math.min(weights.length, Math.max(0, pictureStart - first));
    const to = Math.max(from, Math.min(weights.length, pictureStart + pictureSize - first));
    const sum = (part: number[]) => part.reduce((total, weight) => total + weight, 0);
    return {
      first: first + from - pictureStart,
      weights: weights.slice(from, to),
      outside: sum(weights.slice(0, from)) + sum(weights.slice(to)),
    };
  });
  const reading = outputs.filter(({ weights }) => weights.length > 0);
  const taps = Math.max(...outputs.map(({ weights }) => weights.length));
  const table: ResampleTable = {
    first: Math.min(...reading.map(({ first }) => first)),
    end: Math.max(...reading.map(({ first, weights }) => first + weights.length)),
    taps,
    weights: new Int32Array(size * taps),
    bounds: new Int32Array(size * 3),
  };
  outputs.forEach(({ first, weights, outside }, output) => {
    table.weights.set(weights, output * taps);
    // An output of nothing but padding reads nothing; its place stays inside.
    table.bounds.set([weights.length > 0 ? first : table.first, weights.length, outside], output * 3);
  });
  return table;
}
