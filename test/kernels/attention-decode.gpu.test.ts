import { describe, expect, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { attention } from "../../src/kernels/attention.ts";
import { attentionDecode, decodePartials, UNSPLIT_KEYS } from "../../src/kernels/attention-decode.ts";
import { EMPTY_LOG_SUM_EXP } from "../../src/kernels/heads.ts";
import { attentionCase } from "../support/attention-case.ts";
import { expectClose, expectNmse } from "../support/compare.ts";
import { outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("attention-decode", () => {
  const { gpu } = useGpu();

  /** Runs the kernel on one row and compares output and log-sum-exp with the reference. */
  async function check(shape: Omit<Parameters<typeof attentionCase>[1], "rows" | "queryOffset">, split = false) {
    const { args, expected } = attentionCase(gpu(), { ...shape, rows: 1 });
    const { heads, headWidth, keys } = shape;
    const y = outputTensor(gpu(), [1, heads * headWidth]);
    const logSumExp = outputTensor(gpu(), [1, heads]);
    const partials = split ? decodePartials(gpu().arena, { maxKeys: keys + 300, heads, headWidth }) : undefined;
    if (partials)
      for (const tensor of Object.values(partials))
        gpu().upload(tensor, new Uint32Array(tensor.shape[0]! * tensor.shape[1]!).fill(0xffffffff));
    const actual = await runAndRead(gpu(), y, (recorder) =>
      attentionDecode(recorder, { ...args, y, logSumExp, partials }),
    );
    expectNmse("output", actual as Float32Array, expected.output, NMSE_PRODUCT);
    const sums = await readFloats(gpu(), logSumExp);
    expectClose(
      "log-sum-exp",
      sums,
      expected.logSumExp.map((sum) => Math.max(sum, EMPTY_LOG_SUM_EXP)),
      1e-5,
      1e-5,
    );
    return { args, actual: actual as Float32Array };
  }

  // [S, H, Hk, D]: below, on and off the chunk of 256 keys; groups of 1 to 8 heads, 7 of which fill no two groups of 4.
  const shapes: [number, number, number, number][] = [
    [1, 1, 1, 8],
    [5, 3, 1, 1],
    [70, 2, 2, 6],
    [255, 8, 2, 16],
    [256, 14, 2, 64],
    [257, 5, 1, 72],
    [300, 8, 1, 80],
    [515, 6, 2, 96],
    [1000, 4, 4, 128],
  ];
  test.for(shapes)("%i keys, %i heads on %i of %i", async ([keys, heads, keyHeads, headWidth]) => {
    await check({ keys, heads, keyHeads, headWidth });
  });

  test.for(shapes)("inhibited: %i keys, %i heads on %i of %i", async ([keys, heads, keyHeads, headWidth]) => {
    await check({ keys, heads, keyHeads, headWidth, inhibit: (_, s) => s % 5 < 2 });
    await check({ keys, heads, keyHeads, headWidth, inhibit: (_, s) => s < keys - 1 });
    await check({ keys, heads, keyHeads, headWidth, inhibit: () => true });
  });

  test.for([
    [UNSPLIT_KEYS, 4, 1, 64],
    [UNSPLIT_KEYS + 1, 4, 1, 64],
    [1300, 6, 2, 6],
    [4096, 8, 2, 64],
  ])("split: %i keys, %i heads on %i of %i", async ([keys = 0, heads = 0, keyHeads = 0, headWidth = 0]) => {
    await check({ keys, heads, keyHeads, headWidth }, true);
    // Whole splits with nothing left; then all of them.
    await check({ keys, heads, keyHeads, headWidth, inhibit: (_, s) => s > 200 && s < 900 }, true);
    await check({ keys, heads, keyHeads, headWidth, inhibit: () => true }, true);
  });

  test("the same row through the kernel of many rows", async () => {
    const shape = { keys: 400, heads: 14, keyHeads: 2, headWidth: 64, inhibit: (_: number, s: number) => s % 3 === 0 };
    const { args, actual } = await check(shape);
    const y = outputTensor(gpu(), [1, 14 * 64]);
    const other = await runAndRead(gpu(), y, (recorder) => attention(recorder, { ...args, y }));
    expectNmse("output", actual, other as Float32Array, 1e-12);
  });

  test("a run of the same row gives the same bits, split or not", async () => {
    for (const [keys, split] of [
      [700, false],
      [2000, true],
    ] as const) {
      const { args } = attentionCase(gpu(), { rows: 1, keys, heads: 4, keyHeads: 2, headWidth: 64 });
      const partials = split ? decodePartials(gpu().arena, { maxKeys: keys, heads: 4, headWidth: 64 }) : undefined;
      const y = outputTensor(gpu(), [1, 256]);
      const run = () => runAndRead(gpu(), y, (recorder) => attentionDecode(recorder, { ...args, y, partials }));
      expect(await run()).toEqual(await run());
    }
  });
});
