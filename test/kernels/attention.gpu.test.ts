import { describe, expect, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { type AttentionArgs, attention } from "../../src/kernels/attention.ts";
import { EMPTY_LOG_SUM_EXP } from "../../src/kernels/heads.ts";
import { attentionCase } from "../support/attention-case.ts";
import { expectClose, expectNmse } from "../support/compare.ts";
import { outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("attention", () => {
  const { gpu } = useGpu();

  /** Runs the kernel on a case and compares output and log-sum-exp with the reference. */
  async function check(shape: Parameters<typeof attentionCase>[1]) {
    const { args, expected } = attentionCase(gpu(), shape);
    const y = outputTensor(gpu(), [shape.rows, shape.heads * shape.headWidth]);
    const logSumExp = outputTensor(gpu(), [shape.rows, shape.heads]);
    const actual = await runAndRead(gpu(), y, (recorder) => attention(recorder, { ...args, y, logSumExp }));
    expectNmse("output", actual as Float32Array, expected.output, NMSE_PRODUCT);
    const sums = await readFloats(gpu(), logSumExp);
    expectClose(
      "log-sum-exp",
      sums,
      expected.logSumExp.map((sum) => Math.max(sum, EMPTY_LOG_SUM_EXP)),
      1e-5,
      1e-5,
    );
  }

  // [T, S, H, Hk, D]: below, on and off the tile of 32 rows and 16 keys; every width that models have, and odd ones.
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
  test.for(shapes)("%i rows, %i keys, %i heads on %i of %i", async ([rows, keys, heads, keyHeads, headWidth]) => {
    await check({ rows, keys, heads, keyHeads, headWidth });
  });

  test.for(shapes)("causal: %i rows, %i keys, %i heads on %i of %i", async ([rows, , heads, keyHeads, headWidth]) => {
    await check({ rows, keys: rows, heads, keyHeads, headWidth, queryOffset: 0 });
    await check({ rows, keys: rows + 21, heads, keyHeads, headWidth, queryOffset: 21 });
  });

  test.for(shapes)(
    "inhibited: %i rows, %i keys, %i heads on %i of %i",
    async ([rows, keys, heads, keyHeads, headWidth]) => {
      await check({ rows, keys, heads, keyHeads, headWidth, inhibit: (t, s) => (t * 7 + s * 3) % 5 < 2 });
      // Every third row has nothing left, every other third only the last key.
      await check({
        rows,
        keys,
        heads,
        keyHeads,
        headWidth,
        inhibit: (t, s) => t % 3 === 0 || (t % 3 === 1 && s < keys - 1),
      });
    },
  );

  test("inhibited and causal at once, over several tiles", async () => {
    const shape = { rows: 50, keys: 90, heads: 4, keyHeads: 2, headWidth: 64, queryOffset: 40 };
    await check({ ...shape, inhibit: (_, s) => s >= 10 && s < 60 });
    // The first two tiles of keys are inhibited for all: the running maximum starts late.
    await check({ ...shape, inhibit: (_, s) => s < 33 });
  });

  test("logits of hundreds neither overflow nor lose the small ones", async () => {
    await check({ rows: 9, keys: 50, heads: 2, keyHeads: 2, headWidth: 64, scale: 20 });
  });

  test("fewer keys visible than the causal rule asks for: rows past the keys see all of them", async () => {
    await check({ rows: 40, keys: 20, heads: 1, keyHeads: 1, headWidth: 16, queryOffset: 0 });
  });

  test("heads that do not divide are refused", () => {
    const tensor = outputTensor(gpu(), [4, 24]);
    const rows = { tensor, stride: 24, offset: 0 };
    const args: AttentionArgs = {
      q: rows,
      k: rows,
      v: rows,
      y: tensor,
      rows: 4,
      keys: 4,
      heads: 3,
      keyHeads: 2,
      headWidth: 8,
      scale: 1,
    };
    expect(() => gpu().submit("test", (pass) => attention(pass, args))).toThrow("3 heads on 2");
    expect(() => gpu().submit("test", (pass) => attention(pass, { ...args, keyHeads: 3, keys: 5 }))).toThrow(
      "do not fit",
    );
  });
});
