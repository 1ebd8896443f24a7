/** Cases for the kernels of linear layers: random operands as views inside buffers that are NaN all around them. */
import { expect } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Capabilities, Recorder } from "../../src/gpu/pass.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import { type GroupedType, type PackedName, type Tensor, typeName, view } from "../../src/gpu/tensor.ts";
import type { MatmulArgs } from "../../src/kernels/matmul.ts";
import { weightPack } from "../../src/kernels/weight-pack.ts";
import type { Activation } from "../../src/shared/activation.ts";
import { elementCount, type Shape } from "../../src/shared/shape.ts";
import { matmul as reference } from "../reference/matmul.ts";
import { unpackWeights } from "../reference/weight-pack.ts";
import { expectLargest, expectNmse } from "./compare.ts";
import { inputTensor, type Random, runAndRead, withCapabilities } from "./gpu.ts";
import { groupedWeights } from "./grouped-weights.ts";
import { LARGEST_PRODUCT, NMSE_PRODUCT } from "./tolerances.ts";

/** Elements before a view (the alignment of offsets, 256 bytes) and after it. */
const MARGIN = 64;

/** A view on these values, in a buffer that holds NaN before and after them. */
export function surroundedTensor(gpu: Gpu, shape: Shape, values: ArrayLike<number>): Tensor {
  const count = elementCount(shape);
  const all = new Float32Array(count + 2 * MARGIN).fill(Number.NaN);
  all.set(Float32Array.from(values), MARGIN);
  return view(inputTensor(gpu, [all.length], all), shape, MARGIN);
}

/** The values of such a view; fails if anything around it was written. */
export async function readSurrounded(gpu: Gpu, tensor: Tensor): Promise<Float32Array> {
  const count = elementCount(tensor.shape);
  const all = await readFloats(gpu, { ...tensor, byteOffset: 0, shape: [count + 2 * MARGIN] });
  const around = [...all.subarray(0, MARGIN), ...all.subarray(MARGIN + count)];
  expect(around.every(Number.isNaN), "values around the output were written").toBe(true);
  return all.slice(MARGIN, MARGIN + count);
}

export interface LinearCase {
  /** M */
  rows: number;
  /** N */
  cols: number;
  /** K */
  inner: number;
  bias?: boolean;
  activation?: Activation;
  accumulate?: boolean;
  /** Default 1. */
  factor?: number;
  /** How the weights are packed; the reference gets what comes back of them. */
  type?: PackedName | GroupedType;
}

/** Weights packed by the GPU, and what their words stand for. */
export async function packedWeights(
  gpu: Gpu,
  shape: readonly [number, number],
  values: Float32Array,
  type: PackedName,
): Promise<{ tensor: Tensor; values: Float64Array }> {
  const x = inputTensor(gpu, [values.length], values);
  const tooLarge = inputTensor(gpu, [1], [0], "u32");
  const tensor = gpu.arena.tensor("packed", shape, type);
  const args = { x, elements: values.length, y: tensor, yOffset: 0, tooLarge, counter: 0 };
  const words = (await runAndRead(gpu, tensor, (recorder) => weightPack(recorder, args))) as Uint32Array;
  for (const input of [x, tooLarge]) gpu.arena.free(input.buffer);
  return { tensor, values: unpackWeights(words, values.length, type) };
}

/** Runs `product` on a random case under each set of capabilities and compares with the f64 reference. */
export async function checkLinear(
  gpu: Gpu,
  random: Random,
  product: (recorder: Recorder, args: MatmulArgs) => void,
  { rows, cols, inner, bias = false, activation = "none", accumulate = false, factor = 1, type }: LinearCase,
  capabilities: readonly Partial<Capabilities>[],
  [nmse, largest] = [NMSE_PRODUCT, LARGEST_PRODUCT],
): Promise<void> {
  // Of the size that makes the outputs about 1 to 3, where activations bend.
  const x = random.floats(rows * inner, 2 / Math.sqrt(inner));
  const values = random.floats(cols * inner);
  const packed =
    typeof type === "object"
      ? groupedWeights(gpu, random, type, [cols, inner])
      : type && (await packedWeights(gpu, [cols, inner], values, type));
  const weight = packed?.values ?? values;
  const biases = bias ? random.floats(cols) : undefined;
  const residual = accumulate ? random.floats(rows * cols) : undefined;
  const products = reference(x, weight, inner, { bias: biases, activation });
  const expected = products.map((value, i) => factor * value + (residual?.[i] ?? 0));
  const inputs = {
    x: surroundedTensor(gpu, [rows, inner], x),
    weight: packed?.tensor ?? surroundedTensor(gpu, [cols, inner], weight),
    bias: biases && surroundedTensor(gpu, [cols], biases),
  };
  for (const changes of capabilities) {
    const y = surroundedTensor(gpu, [rows, cols], residual ?? new Float32Array(rows * cols).fill(Number.NaN));
    const args = { ...inputs, y, activation, accumulate, factor };
    await runAndRead(
      gpu,
      y,
      withCapabilities(changes, (recorder) => product(recorder, args)),
    );
    const actual = await readSurrounded(gpu, y);
    const what = `[${rows}, ${inner}] x [${cols}, ${inner}] ${type ? typeName(type) : ""} ${JSON.stringify(changes)}`;
    expectNmse(what, actual, expected, nmse);
    expectLargest(what, actual, expected, largest);
    gpu.arena.free(y.buffer);
  }
  for (const input of Object.values(inputs)) if (input) gpu.arena.free(input.buffer);
}
