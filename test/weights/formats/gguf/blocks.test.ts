import { describe, expect, test } from "vitest";
import { memorySource } from "../../../../src/weights/byte-source.ts";
import { DECODERS, IQ4_LEVELS } from "../../../../src/weights/formats/gguf/blocks.ts";
import { readGguf } from "../../../../src/weights/formats/gguf/container.ts";
import type { PackedTypeName } from "../../../../src/weights/formats/gguf/tensor-types.ts";
import { halfValues } from "../../../../src/weights/formats/half-values.ts";
import { parseSafetensorsHeader } from "../../../../src/weights/safetensors.ts";
import { dequantise } from "../../../reference/packed-rows.ts";
import { describeShared, needing, sharedBytes, sharedJson } from "../../../support/shared.ts";
import blocks from "./blocks.json" with { type: "json" };

const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
const TYPES = Object.keys(DECODERS) as PackedTypeName[];

/** Largest difference, as a share of the largest value of the group's type: f32 rounding of a bias, and nothing else. */
function worst(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
  }
  expect(largest).toBeGreaterThan(0);
  return difference / largest;
}

/** Types whose values are products of an integer and a scale alone are exact in f64, before ggml's own rounding to f32. */
const TOLERANCE = 2 ** -23;

describe("blocks", () => {
  // Made by gguf.quants.dequantize of the Python package gguf 0.19.0 from random blocks.
  test.for(TYPES)("%s has the values of gguf.quants.dequantize", (type) => {
    const { bytes, values } = blocks[type];
    const expected = new Float32Array(bytesOf(values).buffer);
    const packed = DECODERS[type](bytesOf(bytes));
    const actual = dequantise(packed, 1, expected.length);
    expect(worst(actual, expected)).toBeLessThan(TOLERANCE);
  });

  test("uneven integers lie on their curve, in f32 too", () => {
    const { values, curve } = IQ4_LEVELS;
    const actual = values.map((_, nibble) => {
      const sum = curve.reduceRight(
        (sum, factor) => Math.fround(Math.fround(sum * (nibble - 7.5)) + Math.fround(factor)),
        0,
      );
      // Far enough from a half for every order of operations.
      expect(Math.abs(sum - Math.round(sum))).toBeLessThan(0.45);
      return Math.round(sum);
    });
    expect(actual).toEqual(values);
  });

  test("f16 is read as f32, infinities and NaN too", () => {
    const read = (...bytes: number[]) => halfValues()[bytes[0]! | (bytes[1]! << 8)]!;
    expect([read(0, 0x3c), read(0, 0xc0), read(1, 0), read(0, 0x7c)]).toEqual([
      1,
      -2,
      2 ** -24,
      Number.POSITIVE_INFINITY,
    ]);
    expect(read(1, 0x7c)).toBeNaN();
  });
});

const CASES = [
  ...["gguf-llama-q8_0", "gguf-llama-q4_1", "gguf-llama-q5_0", "gguf-llama-iq4_nl", "gguf-qwen2-q4_0"],
  ...["gguf-qwen2-q5_1", "gguf-llama-q4_k_m", "gguf-qwen2-q5_k", "gguf-qwen2-q4_k_m-fallback", "gguf-llama-iq4_xs"],
];

describeShared(needing("golden/formats", "golden tensors"), () => {
  test.for(CASES)("%s", async (folder) => {
    const root = `golden/formats/${folder}`;
    const { files } = await sharedJson<{ files: string[] }>(`${root}/case.json`);
    const expectedFile = await sharedBytes(`${root}/expected.safetensors`);
    const headerBytes = Number(new DataView(expectedFile.buffer).getBigUint64(0, true));
    const { tensors } = parseSafetensorsHeader(expectedFile.subarray(8, 8 + headerBytes), folder, expectedFile.length);
    let compared = 0;
    for (const file of files) {
      const bytes = await sharedBytes(`${root}/model/${file}`);
      const header = await readGguf(memorySource(file, bytes));
      for (const { name, type, shape, start } of header.tensors.values()) {
        const expected = tensors.get(`dequantised.${name}`);
        if (!expected || !Object.hasOwn(DECODERS, type.name)) continue;
        const [rows, columns] = expected.shape as [number, number];
        expect(shape.at(-1)).toBe(columns);
        const rowBytes = (columns / type.elements) * type.bytes;
        const packed = DECODERS[type.name as PackedTypeName](bytes.subarray(start, start + rows * rowBytes));
        const values = new Float32Array(expectedFile.slice(expected.start, expected.end).buffer);
        expect(worst(dequantise(packed, rows, columns), values), name).toBeLessThan(TOLERANCE);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(0);
  });
});
