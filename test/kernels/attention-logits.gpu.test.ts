import { describe, expect, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { attentionLogits, LOGITS_SPLIT_KEYS } from "../../src/kernels/attention-logits.ts";
import { EMPTY_LOG_SUM_EXP } from "../../src/kernels/heads.ts";
import { attentionLogit } from "../reference/attention.ts";
import { attentionCase } from "../support/attention-case.ts";
import { expectClose, expectNmse } from "../support/compare.ts";
import { DEVICE_KINDS, outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

type Shape = [keys: number, heads: number, keyHeads: number, headWidth: number];

describe.for(DEVICE_KINDS)("attention-logits: %j", (kind) => {
  const { gpu } = useGpu();

  /** Runs the kernel on one row, which sees the keys `start` to `end`, and compares with the reference. */
  async function check(
    [keys, heads, keyHeads, headWidth]: Shape,
    [start, end] = [0, keys],
    cap?: number,
    halves = false,
  ) {
    const shape = { keys, heads, keyHeads, headWidth, halves };
    const sees = (s: number) => s >= start && s < end;
    const unread = (s: number) => !sees(s);
    const { args, values } = attentionCase(gpu(), {
      ...shape,
      rows: 1,
      visible: [start, end],
      unread,
      ...(cap && { cap }),
    });
    const splits = Math.ceil(keys / LOGITS_SPLIT_KEYS);
    const [logits, sums] = [outputTensor(gpu(), [heads, keys]), outputTensor(gpu(), [splits, heads])];
    const record = withCapabilities(kind, (recorder) => attentionLogits(recorder, { ...args, logits, sums }));
    const found = (await runAndRead(gpu(), logits, record)) as Float32Array;

    const expected = Float64Array.from({ length: heads * keys }, (_, i) =>
      sees(i % keys)
        ? attentionLogit(values.q, values.k, 0, i % keys, Math.floor(i / keys), shape, args.scale, cap)
        : Number.NEGATIVE_INFINITY,
    );
    const seen = (_: number, i: number) => sees(i % keys);
    expectNmse("logits", found.filter(seen), expected.filter(seen), NMSE_PRODUCT);
    const unseen = found.filter((_, i) => !sees(i % keys));
    expect(unseen.every((logit) => logit === Math.fround(EMPTY_LOG_SUM_EXP))).toBe(true);
    const sumOf = (split: number, head: number) => {
      const first = head * keys + split * LOGITS_SPLIT_KEYS;
      const own = expected.subarray(first, Math.min(first + LOGITS_SPLIT_KEYS, (head + 1) * keys));
      const sum = own.reduce((total, logit) => total + Math.exp(logit), 0);
      return sum === 0 ? EMPTY_LOG_SUM_EXP : Math.log(sum);
    };
    const expectedSums = Array.from({ length: splits * heads }, (_, i) => sumOf(Math.floor(i / heads), i % heads));
    expectClose("log-sum-exp", await readFloats(gpu(), sums), expectedSums, 1e-5, 1e-5);
  }

  // [S, H, Hk, D]: below, on and off a split of 256 keys; groups of 1 to 17 heads, of which 7 and 17 do not fill fours.
  test.for<Shape>([
    [1, 1, 1, 2],
    [14, 17, 1, 6],
    [255, 6, 2, 16],
    [256, 40, 8, 128],
    [257, 14, 2, 64],
    [700, 3, 3, 10],
  ])("%i keys, %i heads on %i of %i", async (shape) => {
    await check(shape);
    await check(shape, [0, shape[0]], 0.5);
    if (shape[3] % 8 === 0) await check(shape, [0, shape[0]], undefined, true);
  });

  test.for<[number, number]>([
    [0, 1],
    [3, 250],
    [256, 512],
    [255, 513],
    [600, 700],
    [600, 9999],
    [100, 100],
    [90, 20],
  ])("a row that sees the keys %i to %i of 700", (range) => check([700, 6, 2, 12], range));
});
