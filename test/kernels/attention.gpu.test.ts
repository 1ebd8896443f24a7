import { describe, expect, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { type AttentionArgs, attention } from "../../src/kernels/attention.ts";
import { EMPTY_LOG_SUM_EXP } from "../../src/kernels/heads.ts";
import { attention as reference } from "../reference/attention.ts";
import { batchOfViews, causal, pictureRuns, prefixLm, rangesOf, slidingWindow } from "../reference/visible.ts";
import { type AttentionCase, attentionCase } from "../support/attention-case.ts";
import { expectClose, expectNmse } from "../support/compare.ts";
import { outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { NMSE_LARGE_LOGITS, NMSE_PRODUCT } from "../support/tolerances.ts";

const PICTURES = [
  [3, 20],
  [20, 36],
  [40, 47],
] as const;

// [T, S, H, Hk, D]: below, on and off the tiles of 32 or 16 rows and 16 or 32 keys. Each width compiles a shader: fewer
// Parts than key lanes, whole and broken multiples of them, keys that fill a tile, and widths that are read one
// component at a time.
const shapes: [number, number, number, number, number][] = [
  [1, 1, 1, 1, 8],
  [3, 5, 2, 1, 1],
  [5, 9, 2, 2, 6],
  [31, 15, 3, 3, 8],
  [32, 16, 4, 2, 64],
  [33, 17, 4, 1, 72],
  [65, 40, 2, 2, 72],
  [20, 70, 3, 1, 64],
  [34, 33, 2, 1, 128],
  [34, 33, 2, 1, 256],
  [5, 20, 1, 1, 254],
];

const MASKS: Record<string, (rows: number) => readonly number[]> = {
  "a sliding window of 1": (rows) => slidingWindow(rows, 1),
  "a sliding window of 37": (rows) => slidingWindow(rows, 37),
  "a sliding window of 20 behind 70 keys": (rows) => slidingWindow(rows, 20, 70),
  "a prefix that sees itself": (rows) => prefixLm(rows, 41),
  "pictures that see themselves": (rows) => pictureRuns(rows, PICTURES),
  "ranges in any order": (rows) => rangesOf(rows, (t) => [(t * 29) % 61, ((t * 29) % 61) + ((t * 13) % 40)]),
  "every third row with an empty range": (rows) => rangesOf(rows, (t) => [t, t % 3 === 0 ? t >> 1 : t + 9]),
};

describe.for([true, false])("attention, software %s", (software) => {
  const { gpu } = useGpu();

  /** Runs the kernel on a case and compares output and log-sum-exp with the reference. */
  async function check(shape: AttentionCase, limit = NMSE_PRODUCT) {
    const { args, expected } = attentionCase(gpu(), shape);
    const y = outputTensor(gpu(), [shape.rows, shape.heads * shape.headWidth]);
    const logSumExp = outputTensor(gpu(), [shape.rows, shape.heads]);
    const body = withCapabilities({ software }, (recorder) => attention(recorder, { ...args, y, logSumExp }));
    const actual = await runAndRead(gpu(), y, body);
    expectNmse("output", actual as Float32Array, expected.output, limit);
    const sums = expected.logSumExp.map((sum) => Math.max(sum, EMPTY_LOG_SUM_EXP));
    expectClose("log-sum-exp", await readFloats(gpu(), logSumExp), sums, 1e-5, 1e-5);
  }

  test.for(shapes)("%i rows, %i keys, %i heads on %i of %i", async ([rows, keys, heads, keyHeads, headWidth]) => {
    const shape = { rows, keys, heads, keyHeads, headWidth };
    await check(shape);
    // Causal: the prompt itself; then behind 21 keys that all rows see.
    await check({ ...shape, keys: rows, visible: causal(rows) });
    await check({ ...shape, keys: rows + 21, visible: causal(rows, 21) });
    await check({ ...shape, inhibit: (t, s) => (t * 7 + s * 3) % 5 < 2 });
    // A cap that bends most logits.
    await check({ ...shape, scale: 1, cap: 2, visible: causal(rows) });
    // Every third row has nothing left, every other third only the last key.
    await check({ ...shape, inhibit: (t, s) => t % 3 === 0 || (t % 3 === 1 && s < keys - 1) });
  });

  // Fewer Parts than key lanes, a broken multiple, and keys that fill a tile.
  test.for(shapes.filter(([, , , , headWidth]) => [8, 72, 256].includes(headWidth)))(
    "keys and values in f16: %i rows, %i keys, %i heads on %i of %i",
    async ([rows, keys, heads, keyHeads, headWidth]) => {
      const shape = { rows, keys, heads, keyHeads, headWidth, halves: true };
      await check(shape);
      await check({ ...shape, keys: rows + 21, visible: causal(rows, 21), inhibit: (t, s) => (t * 7 + s * 3) % 5 < 2 });
    },
  );

  // The end of a view of 48 x 48 patches, and of a prompt of as many rows.
  test("300 rows of 2304 keys, and behind 2004 keys", async () => {
    await check({ rows: 300, keys: 2304, heads: 1, keyHeads: 1, headWidth: 8 });
    await check({ rows: 300, keys: 2304, heads: 2, keyHeads: 1, headWidth: 8, visible: causal(300, 2004) });
  });

  // Rows: on the tiles, off them, and many.
  test.for([48, 57, 130].flatMap((rows) => Object.keys(MASKS).map((name) => [name, rows] as const)))(
    "%s, %i rows",
    async ([name, rows]) => {
      const visible = MASKS[name]!(rows);
      const keys = Math.max(...visible);
      await check({ rows, keys, heads: 2, keyHeads: 1, headWidth: 12, visible });
      await check({ rows, keys, heads: 2, keyHeads: 2, headWidth: 5, visible, inhibit: (t, s) => (t + s) % 3 === 0 });
    },
  );

  test.for([
    [2, 29],
    [3, 32],
    [2, 50],
    [5, 16],
  ])("a batch of %i views of %i rows gives what each view alone gives", async ([views = 0, rowsOfView = 0]) => {
    const rows = views * rowsOfView;
    const shape = { rows, keys: rows, heads: 2, keyHeads: 2, headWidth: 8, visible: batchOfViews(views, rowsOfView) };
    await check(shape);
    // The reference of one view, without a mask.
    const { args, values } = attentionCase(gpu(), shape);
    const y = outputTensor(gpu(), [rows, 16]);
    const record = withCapabilities({ software }, (recorder) => attention(recorder, { ...args, y }));
    const actual = await runAndRead(gpu(), y, record);
    for (let view = 0; view < views; view++) {
      const [start, end] = [view * rowsOfView * 16, (view + 1) * rowsOfView * 16];
      const [q, k, v] = [values.q, values.k, values.v].map((all) => all.subarray(start, end));
      expectNmse("view", actual.subarray(start, end), reference(q!, k!, v!, shape).output, NMSE_PRODUCT);
    }
  });

  test("keys that no row of a tile sees are not read", async () => {
    const visible = rangesOf(40, (t) => [64 + (t % 7), 100 - (t % 3)]);
    const unread = (s: number) => s < 64 || s >= 100;
    await check({ rows: 40, keys: 200, heads: 1, keyHeads: 1, headWidth: 8, visible, unread });
    // An empty range does not widen the tile, wherever it lies.
    const some = visible.map((bound, i) => (i % 8 < 2 ? 0 : bound));
    await check({ rows: 40, keys: 200, heads: 1, keyHeads: 1, headWidth: 8, visible: some, unread });
    const none = rangesOf(40, (t) => [t + 3, t]);
    await check({ rows: 40, keys: 50, heads: 1, keyHeads: 1, headWidth: 8, visible: none, unread: () => true });
  });

  test("rows before the first row are neither read nor written", async () => {
    const shape = { rows: 70, keys: 70, heads: 2, keyHeads: 1, headWidth: 8, visible: causal(70) };
    const { args, expected } = attentionCase(gpu(), shape);
    for (const firstRow of [1, 16, 37, 69]) {
      const y = outputTensor(gpu(), [70, 16]);
      const logSumExp = outputTensor(gpu(), [70, 2]);
      const all = { ...args, y, logSumExp, firstRow };
      const record = withCapabilities({ software }, (recorder) => attention(recorder, all));
      const actual = (await runAndRead(gpu(), y, record)) as Float32Array;
      const sums = await readFloats(gpu(), logSumExp);
      expect(actual.subarray(0, 16 * firstRow).every(Number.isNaN)).toBe(true);
      expect(sums.subarray(0, 2 * firstRow).every(Number.isNaN)).toBe(true);
      expectNmse("output", actual.subarray(16 * firstRow), expected.output.subarray(16 * firstRow), NMSE_PRODUCT);
      expectClose("sums", sums.subarray(2 * firstRow), expected.logSumExp.subarray(2 * firstRow), 1e-5, 1e-5);
    }
  });

  test("inhibited and causal at once, over several tiles", async () => {
    const shape = { rows: 50, keys: 90, heads: 4, keyHeads: 2, headWidth: 64, visible: causal(50, 40) };
    await check({ ...shape, inhibit: (_, s) => s >= 10 && s < 60 });
    // The first tiles of keys are inhibited for all: the running maximum starts late.
    await check({ ...shape, inhibit: (_, s) => s < 33 });
  });

  test("logits of hundreds neither overflow nor lose the small ones", async () => {
    await check({ rows: 9, keys: 50, heads: 2, keyHeads: 2, headWidth: 64, scale: 20 }, NMSE_LARGE_LOGITS);
  });

  test("ranges are cut at the number of keys", async () => {
    await check({ rows: 40, keys: 20, heads: 1, keyHeads: 1, headWidth: 16, visible: causal(40) });
    const far = rangesOf(40, (t) => [t, 0xffffffff]);
    await check({ rows: 40, keys: 20, heads: 1, keyHeads: 1, headWidth: 16, visible: far });
  });

  test("without a log-sum-exp the output is the same", async () => {
    const { args } = attentionCase(gpu(), { rows: 20, keys: 40, heads: 2, keyHeads: 1, headWidth: 8 });
    const y = outputTensor(gpu(), [20, 16]);
    const logSumExp = outputTensor(gpu(), [20, 2]);
    const run = (more: Partial<AttentionArgs>) =>
      runAndRead(
        gpu(),
        y,
        withCapabilities({ software }, (recorder) => attention(recorder, { ...args, y, ...more })),
      );
    expect(await run({})).toEqual(await run({ logSumExp }));
  });
});

describe("attention, misused", () => {
  const { gpu } = useGpu();

  test("heads that do not divide, and rows that are not there, are refused", () => {
    const y = outputTensor(gpu(), [4, 24]);
    const rows = { tensor: y, stride: 24, offset: 0 };
    const visible = outputTensor(gpu(), [4, 2], "u32");
    const shape = { rows: 4, keys: 4, heads: 3, keyHeads: 3, headWidth: 8, scale: 1, visible };
    const run = (more: Partial<AttentionArgs>) =>
      gpu().submit("test", (pass) => attention(pass, { q: rows, k: rows, v: rows, y, ...shape, ...more }));
    expect(() => run({ keyHeads: 2 })).toThrow("3 heads on 2");
    expect(() => run({ keys: 5 })).toThrow("do not fit");
    expect(() => run({ k: { ...rows, offset: 1 } })).toThrow("do not fit");
    expect(() => run({ inhibited: y })).toThrow("inhibited is [4, 24], expected [4, 1]");
    expect(() => run({ visible: y })).toThrow("visible is [4, 24], expected [4, 2]");
    expect(() => run({ firstRow: 4 })).toThrow("rows from 4 on, of 4");
  });
});
