/**
 * Pillow's resampling coefficients along one axis (src/libImaging/Resample.c): in double precision, then 22-bit fixed
 * point, so that a resize on any device can be bit-equal. Only for the outputs that are wanted, and with the padding of
 * a canvas folded into one number per output: the canvas itself never exists. Pure; the sums are shaders/resize.wgsl.
 */
import type { AxisPlan, Preprocessing } from "./geometry.ts";

const FIXED_POINT_ONE = 2 ** 22;

/** Reach of the filter in input samples, when not shrinking. */
const SUPPORT = { bilinear: 1, bicubic: 2 } as const;

/** For each output: the sum over its samples of weight * picture, plus `outside` * colour of the canvas, over 2^22. */
export interface ResampleTable {
  /** The picture's samples that any output reads, half-open. */
  first: number;
  end: number;
  /** Samples that one output reads, at most. */
  taps: number;
  /** [outputs, taps], 2^22 is 1; zero behind an output's last sample. */
  weights: Int32Array;
  /** [outputs, 3]: the first sample of the picture, the number of samples, the weight of what lies outside the picture. */
  bounds: Int32Array;
}

/** `filter` at `x`; the cubic is Keys' with a = -0.5. */
function filterWeight(filter: Preprocessing["filter"], x: number): number {
  const distance = Math.abs(x);
  if (filter === "bilinear") return Math.max(0, 1 - distance);
  if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
  return distance < 2 ? (((distance - 5) * distance + 8) * distance - 4) * -0.5 : 0;
}

/** Rounds half away from zero, as Pillow does. */
function toFixedPoint(weight: number): number {
  const scaled = weight * FIXED_POINT_ONE;
  return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/** Fixed-point weights of one output over the canvas, and where they begin. */
function canvasWeights(axis: AxisPlan, filter: Preprocessing["filter"], output: number) {
  const scale = axis.canvasSize / axis.resizedSize;
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
  return { first, weights: weights.map((weight) => toFixedPoint(weight / sum)) };
}

/**
 * The coefficients of `axis`.
 *
 * Rows that lie wholly in the padding are taken to stay the canvas's colour under the other axis's pass. They do, as
 * long as an output has fewer than 2^22 / 255 taps, so that the rounding of its weights cannot add up to half a byte:
 * MAX_SIDE of limits.ts sees to that for every encoder of 16 pixels or more.
 */
export function resampleTable(axis: AxisPlan, filter: Preprocessing["filter"]): ResampleTable {
  const { pictureStart, pictureSize, size } = axis;
  const outputs = Array.from({ length: size }, (_, output) => {
    const { first, weights } = canvasWeights(axis, filter, output);
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
