/** Scales and biases of packed rows on the GPU's planes, and which of them f16 holds. */
import { describe, expect, test } from "vitest";
import type { GroupedType } from "../../../src/gpu/tensor.ts";
import { scalePlane } from "../../../src/model/load/scale-plane.ts";

const HALF: GroupedType = { bits: 4, group: 32, scales: "f16", bias: "none", origin: 0 };
const FREE: GroupedType = { ...HALF, bias: "free", origin: -8 };
const ZEROS: GroupedType = { ...HALF, bias: "zeros" };
const f32 = (...values: number[]) => Float32Array.from(values);
const fits = (type: GroupedType, scales: number[], biases?: number[]) =>
  scalePlane(type, { scales: f32(...scales), ...(biases && { biases: f32(...biases) }) }).fits;

describe("what f16 holds", () => {
  test.each<[string, boolean, GroupedType, number[], number[]?]>([
    ["the largest scale", true, HALF, [255.875, -1]],
    ["a scale above it", false, HALF, [256]],
    ["a scale with more than 11 bits, within 2^-11", true, HALF, [1 + 2 ** -13]],
    ["a tiny scale beside others", true, HALF, [1e-7, 0.01]],
    ["tiny scales alone", false, HALF, [1.03e-8]],
    ["zero", true, HALF, [0, 0]],
    ["a bias that is exact from where the file counts", true, FREE, [0.5], [3 + 8 * 0.5]],
    ["a bias beyond it", false, FREE, [0.5], [300]],
    ["whole multiples of scales", true, ZEROS, [0.3, -0.7], [Math.fround(0.3) * -5, Math.fround(-0.7) * 8]],
    ["a bias that is no whole multiple", false, ZEROS, [0.3], [0.4]],
    ["a bias of no scale", false, ZEROS, [0], [0.4]],
  ])("%s: %s", (_, expected, type, scales, biases) => {
    expect(fits(type, scales, biases)).toBe(expected);
  });

  test("f32 holds everything", () => {
    const wide = { ...FREE, scales: "f32" } as const;
    expect(fits(wide, [1e30, 1e-30], [1e-20, 7])).toBe(true);
    const { bytes } = scalePlane(wide, { scales: f32(1e30, 0.1), biases: f32(1, 2) });
    expect([...new Float32Array(bytes.buffer)]).toEqual([...f32(1e30, 1, 0.1, 2)]);
  });
});

test.each([HALF, { ...HALF, scales: "f32" } as const, FREE, ZEROS])("NaN and infinity are told: %o", (type) => {
  const biases = type.bias === "none" ? {} : { biases: f32(0, 0, 0) };
  expect(scalePlane(type, { scales: f32(1, Number.NaN, 1), ...biases }).notFinite).toBe(1);
  expect(scalePlane(type, { scales: f32(1, 1, -Infinity), ...biases }).notFinite).toBe(2);
  expect(scalePlane(type, { scales: f32(1, 1, 1), ...biases }).notFinite).toBe(-1);
  if (type.bias !== "none") expect(scalePlane(type, { scales: f32(1, 1), biases: f32(1, Infinity) }).notFinite).toBe(1);
});
