/** Random matrices of integers in groups: as a tensor on the GPU, and their values in f64. */
import type { Gpu } from "../../src/gpu/device.ts";
import { type GroupedType, highOffset, scalesOffset, type Tensor, typeName } from "../../src/gpu/tensor.ts";
import { scalePlane } from "../../src/model/load/scale-plane.ts";
import { NEST } from "../../src/shared/nest.ts";
import type { NestedNumbers, PackedRows } from "../../src/weights/formats/packed-rows.ts";
import { dequantise } from "../reference/packed-rows.ts";
import type { Random } from "./gpu.ts";

const SIZES = [16, 32, 64, 128] as const;

const PLANES = [
  { scales: "f16", bias: "none" },
  { scales: "f16", bias: "zeros" },
  { scales: "f16", bias: "free" },
  { scales: "f32", bias: "none" },
  { scales: "f32", bias: "free" },
] as const;

/** Unevenly spaced integers, which rise and fall. */
const LEVELS = {
  values: [38, 50, 54, 52, 45, 35, 23, 11, -1, -12, -22, -31, -38, -44, -51, -58],
  curve: [5, -12, 0.3, 0.1, -0.01],
};

/**
 * Layouts that kernels read: every kind of planes and every size of groups with both numbers of bits. All forty would take
 * a software adapter four times as long, and find nothing more: the three are read by separate parts of a shader.
 * Likewise 5 and 6 bits, tables and nested scales; formats/golden.gpu.test.ts has their other pairs.
 */
export const GROUPED_TYPES: readonly GroupedType[] = [
  ...([4, 8] as const).flatMap((bits) =>
    PLANES.map((planes, i) => ({
      bits,
      group: SIZES[(i + (bits === 8 ? 2 : 0)) % SIZES.length]!,
      ...planes,
      origin: planes.scales === "f16" && planes.bias === "free" ? (bits === 4 ? -8 : -16) : 0,
    })),
  ),
  { bits: 4, group: 32, scales: "nested", bias: "free", origin: -8 },
  { bits: 5, group: 64, scales: "f16", bias: "none", origin: 0 },
  { bits: 5, group: 32, scales: "f32", bias: "free", origin: 0 },
  { bits: 6, group: 16, scales: "nested", bias: "none", origin: 0 },
  { bits: 6, group: 64, scales: "f16", bias: "free", origin: -32 },
  { bits: 4, group: 32, scales: "f16", bias: "none", origin: 0, levels: LEVELS },
];

/**
 * One layout for each number of bits, with all kinds of scales and biases among them. Kernels share the code that reads
 * a layout: where one kernel is tested with all of them, these are enough for the others.
 */
export const FEW_GROUPED_TYPES: readonly GroupedType[] = [
  "q4/32 zeros f16",
  "q5/32 bias from 0 f32",
  "q6/16 none nested",
  "q8/16 bias from -16 f16",
].map((name) => GROUPED_TYPES.find((type) => typeName(type) === name)!);

/** Rows of a type are multiples of this. */
export function widthUnit({ scales, group }: GroupedType): number {
  return scales === "nested" ? NEST : group;
}

/** Random rows. Their scales and biases are what the type holds without a rounding. */
export function randomRows(random: Random, type: GroupedType, rows: number, columns: number): PackedRows {
  const { bits, group, scales: precision, bias, origin, levels } = type;
  const count = rows * columns;
  const groups = count / group;
  const size = levels ? 1 / 128 : 2 ** (1 - bits);
  const bytes = (length: number) => Uint8Array.from({ length }, () => random.integer(0, 255));
  const integers = {
    ...{ bits, group, integers: bytes(bits === 8 ? count : count / 2) },
    ...(bits !== 4 && bits !== 8 && { high: bytes((count * (bits - 4)) / 8) }),
    ...(levels && { levels }),
  };
  if (precision === "nested") {
    const nested = (size: number): NestedNumbers => ({
      units: random.floats(count / NEST, size / 64),
      counts: Int8Array.from({ length: groups }, () => random.integer(-128, 127)),
    });
    return { ...integers, scales: nested(size), ...(bias !== "none" && { biases: nested(1 / 2), origin }) };
  }
  // Eleven bits of a number from 1/2 to 1, with a sign: an f16 of ordinary size.
  const number = () => ((random.integer(0, 1) * 2 - 1) * random.integer(1024, 2047)) / 2048;
  const exact = () => (precision === "f16" ? number() : random.floats(1)[0]!);
  const scales = Float32Array.from({ length: groups }, () => exact() * size);
  const free = (scale: number) => exact() / 2 - origin * scale;
  const zeros = (scale: number) => random.integer(-8, 8) * scale;
  const biases = bias === "none" ? undefined : scales.map((scale) => (bias === "zeros" ? zeros(scale) : free(scale)));
  return { ...integers, scales, ...(biases && { biases }) };
}

/** A random matrix [rows, columns], allocated in the device's arena. */
export function groupedWeights(
  gpu: Gpu,
  random: Random,
  type: GroupedType,
  [rows, columns]: readonly [number, number],
): { tensor: Tensor; values: Float64Array } {
  const packed = randomRows(random, type, rows, columns);
  const tensor = gpu.arena.tensor("grouped", [rows, columns], type);
  const plane = scalePlane(type, packed);
  const words = new Uint8Array(tensor.buffer.size);
  words.set(packed.integers);
  if (packed.high) words.set(packed.high, 4 * highOffset(tensor));
  words.set(plane.bytes, 4 * scalesOffset(tensor));
  gpu.upload(tensor, words);
  return { tensor, values: dequantise(packed, rows, columns) };
}
