import { describe, expect, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { rope, ropeTable } from "../../src/kernels/rope.ts";
import { plainFrequencies, rope as reference } from "../reference/rope.ts";
import { splitCache } from "../support/cache.ts";
import { expectClose, expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { readCache } from "../support/halves.ts";
import { NMSE_PRODUCT, NMSE_STORED_AS_F16 } from "../support/tolerances.ts";

const MAX_POSITIONS = 700;

/** Axes 0, 1 and 2 for so many pairs each, one section after the other. */
function sections(...pairs: number[]): number[] {
  return pairs.flatMap((count, axis) => new Array<number>(count).fill(axis));
}

describe("rope", () => {
  const { gpu } = useGpu();

  type Shape = [rows: number, heads: number, keyHeads: number, headWidth: number];

  /** Runs the kernel and compares queries, keys and values with the reference. */
  async function check(
    [rows, heads, keyHeads, headWidth]: Shape,
    axisOfPair?: readonly number[],
    turned = headWidth,
    queryPitch = 1,
    growthOf?: (position: number) => number,
    type: "f32" | "f16" = "f32",
  ) {
    const axes = axisOfPair ? 3 : 1;
    const random = freshRandom("rope");
    const width = (queryPitch * heads + 2 * keyHeads) * headWidth;
    const values = random.floats(rows * width);
    // Not ascending: the kernel must look positions up, not count.
    const positions = Array.from({ length: axes * rows }, () => random.integer(0, MAX_POSITIONS - 1));
    const frequencies = Array.from({ length: turned / 2 }, () => random.uniform());
    const factor = 1.25;
    const cacheRow = 3;
    const capacity = cacheRow + rows + 2;
    const q = outputTensor(gpu(), [rows, heads * headWidth]);
    const cache = outputTensor(gpu(), [capacity, 2 * keyHeads * headWidth], type);
    const args = {
      qkv: inputTensor(gpu(), [rows, width], values),
      positions: inputTensor(gpu(), [axes, rows], positions, "u32"),
      axisOfPair,
      table: inputTensor(
        gpu(),
        [MAX_POSITIONS, turned + (growthOf ? 4 : 0)],
        ropeTable(MAX_POSITIONS, () => frequencies, factor, growthOf),
      ),
      grows: !!growthOf,
    };
    const actualQ = await runAndRead(gpu(), q, (recorder) =>
      rope(recorder, { ...args, queryPitch, q, cache, cacheRow, heads, keyHeads, headWidth }),
    );

    const columns = (first: number, count: number) =>
      Float32Array.from(
        { length: rows * count },
        (_, i) => values[Math.floor(i / count) * width + first + (i % count)]!,
      );
    const keyWidth = keyHeads * headWidth;
    const turn = (x: Float32Array) => reference(x, positions, frequencies, { axisOfPair, factor, headWidth });
    const queries = Float32Array.from(
      { length: rows * heads * headWidth },
      (_, i) =>
        values[
          Math.floor(i / (heads * headWidth)) * width +
            (Math.floor(i / headWidth) % heads) * queryPitch * headWidth +
            (i % headWidth)
        ]!,
    );
    const keys = queryPitch * heads * headWidth;
    const grown = turn(queries).map(
      (value, i) => value * (growthOf?.(positions[Math.floor(i / (heads * headWidth))]!) ?? 1),
    );
    expectNmse("q", actualQ, grown, NMSE_PRODUCT);
    const { written, others } = splitCache(await readCache(gpu(), cache), { cacheRow, rows, keyWidth });
    expectNmse("k", written.keys, turn(columns(keys, keyWidth)), type === "f16" ? NMSE_STORED_AS_F16 : NMSE_PRODUCT);
    const plain = columns(keys + keyWidth, keyWidth);
    if (type === "f16") expectNmse("v", written.values, plain, NMSE_STORED_AS_F16);
    else expect(written.values).toEqual(plain);
    expect(others.every(Number.isNaN), "rows of the cache that are not this call's").toBe(true);
  }

  // One head, halves that are no multiple of 4 (D = 4, 6), grouped queries, real shapes.
  test.for<Shape>([
    [1, 1, 1, 2],
    [3, 2, 1, 6],
    [5, 4, 4, 4],
    [2, 8, 4, 8],
    [9, 6, 2, 72],
    [7, 14, 2, 64],
    [1, 32, 8, 128],
  ])("%i rows, %i heads on %i of %i", (shape) => check(shape));

  test.for<[Shape, number]>([
    [[3, 2, 1, 8], 2],
    [[3, 4, 2, 16], 12],
    [[5, 2, 1, 64], 16],
    [[2, 3, 1, 24], 10],
    [[2, 2, 2, 80], 32],
  ])("heads %j of which %i channels turn", ([shape, turned]) => check(shape, undefined, turned));

  test.for<[Shape, number, number[] | undefined]>([
    [[3, 2, 1, 8], 8, undefined],
    [[4, 3, 2, 24], 6, undefined],
    [[5, 3, 1, 32], 8, [0, 1, 2, 0]],
    [[2, 4, 2, 256], 64, Array.from({ length: 32 }, (_, pair) => pair % 3)],
  ])("heads %j of which %i channels turn, every second one a query", ([shape, turned, axes]) =>
    check(shape, axes, turned, 2),
  );

  // Queries that grow with their position; in parts of one and of four, where not all channels turn, with axes.
  test.for<[Shape, number, number[] | undefined]>([
    [[7, 3, 1, 6], 6, undefined],
    [[9, 6, 2, 64], 64, undefined],
    [[5, 2, 1, 64], 16, undefined],
    [[4, 3, 1, 32], 8, [0, 1, 2, 0]],
  ])("heads %j of which %i channels turn, with queries that grow", ([shape, turned, axes]) =>
    check(shape, axes, turned, 1, (position) => 1 + 0.1 * Math.log1p(Math.floor(position / 100))),
  );

  test.for<[Shape, number, number[] | undefined]>([
    [[1, 1, 1, 8], 8, undefined],
    [[7, 14, 2, 64], 64, undefined],
    [[5, 2, 1, 64], 16, undefined],
    [[5, 4, 2, 128], 128, sections(16, 24, 24)],
    [[4, 3, 1, 32], 8, [0, 1, 2, 0]],
  ])("a cache of f16: heads %j of which %i channels turn, axes %j", ([shape, turned, axes]) =>
    check(shape, axes, turned, 1, undefined, "f16"),
  );

  test("a cache of f16 keeps what is too large as its largest number, and damage as NaN", async () => {
    const values = [1e6, -1e6, 65504, 70000, Number.POSITIVE_INFINITY, Number.NaN, 1e-3, -2];
    const args = {
      qkv: inputTensor(gpu(), [1, 24], [...values, ...values, ...values]),
      positions: inputTensor(gpu(), [1, 1], [0], "u32"),
      table: outputTensor(gpu(), [8, 4]),
      cache: outputTensor(gpu(), [1, 16], "f16"),
      ...{ turns: false, cacheRow: 0, heads: 1, keyHeads: 1, headWidth: 8 },
    };
    const q = outputTensor(gpu(), [1, 8]);
    await runAndRead(gpu(), q, (recorder) => rope(recorder, { ...args, q }));
    const found = [...(await readCache(gpu(), args.cache))];
    for (const half of [found.slice(0, 8), found.slice(8)]) {
      expect(half.slice(0, 6)).toEqual([65504, -65504, 65504, 65504, Number.NaN, Number.NaN]);
      expectClose("small ones", half.slice(6), [1e-3, -2], 1e-6, 1e-3);
    }
  });

  test("heads of which nothing turns", async () => {
    const [rows, heads, keyHeads, headWidth] = [3, 2, 1, 12];
    const values = freshRandom("rope").floats(rows * (heads + 2 * keyHeads) * headWidth);
    const args = {
      qkv: inputTensor(gpu(), [rows, values.length / rows], values),
      positions: inputTensor(gpu(), [1, rows], [4, 5, 6], "u32"),
      table: outputTensor(gpu(), [8, 4]),
      cache: outputTensor(gpu(), [rows, 2 * keyHeads * headWidth]),
      ...{ turns: false, cacheRow: 0, heads, keyHeads, headWidth },
    };
    const q = outputTensor(gpu(), [rows, heads * headWidth]);
    const found = await runAndRead(gpu(), q, (recorder) => rope(recorder, { ...args, q }));
    const cached = await readFloats(gpu(), args.cache);
    for (let t = 0; t < rows; t++)
      expect([...found.subarray(t * 24, (t + 1) * 24), ...cached.subarray(t * 24, (t + 1) * 24)]).toEqual([
        ...values.subarray(t * 48, (t + 1) * 48),
      ]);
  });

  test.for<[string, Shape, readonly number[]]>([
    ["in sections, 16 + 24 + 24 pairs", [5, 4, 2, 128], sections(16, 24, 24)],
    ["in sections that no vector of four divides", [3, 2, 1, 16], sections(1, 3, 4)],
    ["interleaved", [4, 3, 1, 80], Array.from({ length: 40 }, (_, pair) => (pair < 33 ? pair % 3 : 0))],
    [
      "in any order, as many pairs as there may be",
      [2, 1, 1, 256],
      Array.from({ length: 128 }, (_, i) => (i * 7 + (i >> 2)) % 3),
    ],
  ])("three axes, %s", ([, shape, axisOfPair]) => check(shape, axisOfPair));

  test("the table keeps f32 precision at large positions", () => {
    const table = ropeTable(131072, () => plainFrequencies(2, 10000));
    expectClose("last row", table.subarray(-2), [Math.cos(131071), Math.sin(131071)], 1e-7);
  });

  test("rows that do not fit in the cache, and wrong axes, are refused", () => {
    const tensor = (shape: number[]) => outputTensor(gpu(), shape);
    const args = { qkv: tensor([4, 12]), positions: tensor([1, 4]), table: tensor([8, 4]), q: tensor([4, 4]) };
    const target = { cache: tensor([5, 8]), heads: 1, keyHeads: 1, headWidth: 4 };
    const run = (more: object) => () =>
      gpu().submit("test", (pass) => rope(pass, { ...args, ...target, cacheRow: 0, ...more }));
    expect(run({ cacheRow: 2 })).toThrow("do not fit");
    expect(run({ positions: tensor([4]) })).toThrow("expected [1, 4]");
    expect(run({ axisOfPair: [0, 2] })).toThrow("expected [3, 4]");
    expect(run({ axisOfPair: [0, 0, 0] })).toThrow("axes of 3 pairs");
    expect(run({ axisOfPair: [0, 4], positions: tensor([5, 4]) })).toThrow("axis 4 of pair 1");
  });
});
