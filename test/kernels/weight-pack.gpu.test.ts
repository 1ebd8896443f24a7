import { describe, expect, test } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import { readTensor } from "../../src/gpu/readback.ts";
import type { PackedName, Tensor } from "../../src/gpu/tensor.ts";
import { weightPack } from "../../src/kernels/weight-pack.ts";
import { roundWeights, unpackWeights } from "../reference/weight-pack.ts";
import { expectClose, nmse } from "../support/compare.ts";
import { freshRandom, inputTensor, useGpu } from "../support/gpu.ts";
import { ERROR_OF_HALF, QUANTISED_EXCESS } from "../support/tolerances.ts";

describe("weight-pack", () => {
  const { gpu } = useGpu();

  /** Packs `values` in pieces that end at `cuts`, and reads the matrix back. */
  async function pack(values: Float32Array, shape: [number, number], type: PackedName, cuts = [values.length]) {
    const y = gpu().arena.tensor("packed", shape, type);
    const tooLarge = inputTensor(gpu(), [2], [0, 0], "u32");
    let start = 0;
    for (const end of cuts) {
      const x = inputTensor(gpu(), [end - start], values.subarray(start, end));
      await run(gpu(), { x, elements: end - start, y, yOffset: start, tooLarge, counter: 1 });
      start = end;
    }
    const words = (await readTensor(gpu(), y)) as Uint32Array;
    const counts = [...((await readTensor(gpu(), tooLarge)) as Uint32Array)];
    return { values: unpackWeights(words, values.length, type), counts, byteLength: words.byteLength };
  }

  async function run(gpu: Gpu, args: Parameters<typeof weightPack>[1]) {
    await gpu.compile((recorder) => weightPack(recorder, args));
    gpu.submit("test", (pass) => weightPack(pass, args));
  }

  test("halves, in pieces", async () => {
    const values = freshRandom("weight-pack").floats(7 * 24, 0.02);
    const packed = await pack(values, [7, 24], "f16", [8, 80, 168]);
    expectClose("f16", packed.values, values, ERROR_OF_HALF, 1e-7);
    expect(packed).toMatchObject({ counts: [0, 0], byteLength: 7 * 24 * 2 });
  });

  // Odd and even numbers of groups, for two share a word of scales; pieces that end between the two.
  test.for<[PackedName & ("q8" | "q4"), number, number, number[]]>([
    ["q8", 1, 32, [32]],
    ["q8", 5, 96, [32, 128, 480]],
    ["q4", 1, 32, [32]],
    ["q4", 5, 96, [96, 480]],
    ["q4", 300, 256, [300 * 256]],
  ])("%s of [%i, %i]", async ([type, rows, cols, cuts]) => {
    const random = freshRandom("weight-pack");
    const values = random.floats(rows * cols, 0.03);
    values.fill(0, 0, 7);
    const packed = await pack(values, [rows, cols], type, cuts);
    const best = nmse(roundWeights(values, type), values);
    expect(nmse(packed.values, values)).toBeLessThan(best * (1 + QUANTISED_EXCESS));
    expect(packed.counts).toEqual([0, 0]);
    const groups = (rows * cols) / 32;
    const bytes = (rows * cols * (type === "q8" ? 8 : 4)) / 8 + 2 * groups;
    expect(packed.byteLength).toBe(Math.ceil(bytes / 16) * 16);
  });

  test.for<"q8" | "q4">(["q8", "q4"])(
    "%s: zeros stay, tiny weights keep their digits, the largest keeps its sign",
    async (type) => {
      const values = new Float32Array(4 * 32);
      for (let i = 0; i < 32; i++) {
        values[32 + i] = 1e-5 * Math.sin(i);
        values[64 + i] = i === 5 ? -3 : 0.5;
        values[96 + i] = i === 5 ? 3 : -0.5;
      }
      const packed = await pack(values, [4, 32], type);
      expect(packed.values.subarray(0, 32).every((value) => value === 0)).toBe(true);
      // Of 4 bits each rounding is at most half of an eighth of the largest.
      const limit = type === "q8" ? 1e-4 : 2e-2;
      for (let group = 1; group < 4; group++) {
        const span = [32 * group, 32 * group + 32] as const;
        expect(nmse(packed.values.subarray(...span), values.subarray(...span))).toBeLessThan(limit);
      }
    },
  );

  test("what no half holds is counted, and stays finite", async () => {
    const values = new Float32Array(64).fill(1);
    values[3] = -70_000;
    values[40] = 1e30;
    const halves = await pack(values, [1, 64], "f16");
    expect(halves.counts).toEqual([0, 2]);
    expect(halves.values.every(Number.isFinite)).toBe(true);
    for (const type of ["q8", "q4"] as const) {
      const packed = await pack(values, [1, 64], type);
      expect(packed.counts[1], type).toBeGreaterThan(0);
      expect(packed.counts[0]).toBe(0);
    }
  });

  test("what does not fit is refused", () => {
    const tensor = (shape: number[], type: Tensor["type"]) => gpu().arena.tensor("refused", shape, type);
    const x = tensor([64], "f32");
    const args = { x, elements: 32, yOffset: 0, tooLarge: tensor([1], "u32"), counter: 0 };
    const packing = (changes: object) => () =>
      gpu().submit("test", (pass) => weightPack(pass, { ...args, y: tensor([2, 32], "q4"), ...changes }));
    expect(packing({ elements: 33 })).toThrow("33 values");
    expect(packing({ yOffset: 16 })).toThrow("at 16");
    expect(packing({ yOffset: 64 })).toThrow("do not fit");
    expect(packing({ y: tensor([2, 32], "f32") })).toThrow("into f32");
  });
});
