import { describe, expect, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { type AttentionArgs, attention } from "../../src/kernels/attention.ts";
import { EMPTY_LOG_SUM_EXP } from "../../src/kernels/heads.ts";
import { type AttentionCase, attentionCase } from "../support/attention-case.ts";
import { expectClose, expectNmse } from "../support/compare.ts";
import { outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { NMSE_LARGE_LOGITS, NMSE_PRODUCT } from "../support/tolerances.ts";

// [T, S, H, Hk, D]: below, on and off the tiles of 32 or 16 rows and 16 or 32 keys; every width that models have, and
// widths that are read one component at a time.
const shapes: [number, number, number, number, number][] = [
  [1, 1, 1, 1, 8],
  [3, 5, 2, 1, 1],
  [5, 9, 2, 2, 6],
  [31, 15, 3, 3, 16],
  [32, 16, 4, 2, 64],
  [33, 17, 4, 1, 72],
  [65, 40, 2, 2, 80],
  [20, 70, 3, 1, 96],
  [34, 33, 2, 1, 128],
];

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
    await check({ ...shape, keys: rows, queryOffset: 0 });
    await check({ ...shape, keys: rows + 21, queryOffset: 21 });
    await check({ ...shape, inhibit: (t, s) => (t * 7 + s * 3) % 5 < 2 });
    // Every third row has nothing left, every other third only the last key.
    await check({ ...shape, inhibit: (t, s) => t % 3 === 0 || (t % 3 === 1 && s < keys - 1) });
  });

  test("inhibited and causal at once, over several tiles", async () => {
    const shape = { rows: 50, keys: 90, heads: 4, keyHeads: 2, headWidth: 64, queryOffset: 40 };
    await check({ ...shape, inhibit: (_, s) => s >= 10 && s < 60 });
    // The first tiles of keys are inhibited for all: the running maximum starts late.
    await check({ ...shape, inhibit: (_, s) => s < 33 });
  });

  test("logits of hundreds neither overflow nor lose the small ones", async () => {
    await check({ rows: 9, keys: 50, heads: 2, keyHeads: 2, headWidth: 64, scale: 20 }, NMSE_LARGE_LOGITS);
  });

  test("fewer keys than the causal rule asks for: rows past them see all", async () => {
    await check({ rows: 40, keys: 20, heads: 1, keyHeads: 1, headWidth: 16, queryOffset: 0 });
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
    const shape = { rows: 4, keys: 4, heads: 3, keyHeads: 3, headWidth: 8, scale: 1 };
    const run = (more: Partial<AttentionArgs>) =>
      gpu().submit("test", (pass) => attention(pass, { q: rows, k: rows, v: rows, y, ...shape, ...more }));
    expect(() => run({ keyHeads: 2 })).toThrow("3 heads on 2");
    expect(() => run({ keys: 5 })).toThrow("do not fit");
    expect(() => run({ k: { ...rows, offset: 1 } })).toThrow("do not fit");
    expect(() => run({ inhibited: y })).toThrow("inhibited is [4, 24], expected [4, 1]");
  });
});
