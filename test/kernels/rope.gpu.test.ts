import { describe, expect, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { rope, ropeTable } from "../../src/kernels/rope.ts";
import { rope as reference } from "../reference/rope.ts";
import { splitCache } from "../support/cache.ts";
import { expectClose, expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

const MAX_POSITIONS = 700;

describe("rope", () => {
  const { gpu } = useGpu();

  // [T, H, Hk, D]: one head, halves that are no multiple of 4 (D = 4, 6), grouped queries, real shapes.
  test.for([
    [1, 1, 1, 2],
    [3, 2, 1, 6],
    [5, 4, 4, 4],
    [2, 8, 4, 8],
    [9, 6, 2, 72],
    [7, 14, 2, 64],
    [1, 32, 8, 128],
  ])("%i rows, %i heads on %i of %i", async ([rows = 0, heads = 0, keyHeads = 0, headWidth = 0]) => {
    const random = freshRandom("rope");
    const width = (heads + 2 * keyHeads) * headWidth;
    const values = random.floats(rows * width);
    // Not ascending: the kernel must look positions up, not count.
    const positions = Array.from({ length: rows }, () => random.integer(0, MAX_POSITIONS - 1));
    const theta = 10000;
    const cacheRow = 3;
    const capacity = cacheRow + rows + 2;
    const q = outputTensor(gpu(), [rows, heads * headWidth]);
    const cache = outputTensor(gpu(), [capacity, 2 * keyHeads * headWidth]);
    const args = {
      qkv: inputTensor(gpu(), [rows, width], values),
      positions: inputTensor(gpu(), [rows], positions, "u32"),
      table: inputTensor(gpu(), [MAX_POSITIONS, headWidth], ropeTable(MAX_POSITIONS, headWidth, theta)),
    };
    const actualQ = await runAndRead(gpu(), q, (recorder) =>
      rope(recorder, { ...args, q, cache, cacheRow, heads, keyHeads, headWidth }),
    );

    const columns = (first: number, count: number) =>
      Float32Array.from(
        { length: rows * count },
        (_, i) => values[Math.floor(i / count) * width + first + (i % count)]!,
      );
    const keyWidth = keyHeads * headWidth;
    const turn = (x: Float32Array) => reference(x, positions, headWidth, theta);
    expectNmse("q", actualQ, turn(columns(0, heads * headWidth)), NMSE_PRODUCT);
    const { written, others } = splitCache(await readFloats(gpu(), cache), { cacheRow, rows, keyWidth });
    expectNmse("k", written.keys, turn(columns(heads * headWidth, keyWidth)), NMSE_PRODUCT);
    expect(written.values).toEqual(columns((heads + keyHeads) * headWidth, keyWidth));
    expect(others.every(Number.isNaN), "rows of the cache that are not this call's").toBe(true);
  });

  test("the table keeps f32 precision at large positions", () => {
    const table = ropeTable(131072, 2, 10000);
    expectClose("last row", table.subarray(-2), [Math.cos(131071), Math.sin(131071)], 1e-7);
  });

  test("rows that do not fit in the cache are refused", () => {
    const tensor = (shape: number[]) => outputTensor(gpu(), shape);
    const args = { qkv: tensor([4, 12]), positions: tensor([4]), table: tensor([8, 4]), q: tensor([4, 4]) };
    const target = { cache: tensor([5, 8]), heads: 1, keyHeads: 1, headWidth: 4 };
    expect(() => gpu().submit("test", (pass) => rope(pass, { ...args, ...target, cacheRow: 2 }))).toThrow("do not fit");
  });
});
