import { describe, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { attentionLogits, LOGITS_SPLIT_KEYS } from "../../src/kernels/attention-logits.ts";
import { attentionLogit } from "../reference/attention.ts";
import { attentionCase } from "../support/attention-case.ts";
import { expectClose, expectNmse } from "../support/compare.ts";
import { DEVICE_KINDS, outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe.for(DEVICE_KINDS)("attention-logits: %j", (kind) => {
  const { gpu } = useGpu();

  // [S, H, Hk, D]: below, on and off a split of 256 keys; groups of 1 to 17 heads, of which 7 and 17 do not fill fours.
  test.for<[number, number, number, number]>([
    [1, 1, 1, 2],
    [14, 17, 1, 6],
    [255, 6, 2, 16],
    [256, 40, 8, 128],
    [257, 14, 2, 64],
    [700, 3, 3, 10],
  ])("%i keys, %i heads on %i of %i", async ([keys, heads, keyHeads, headWidth]) => {
    const shape = { keys, heads, keyHeads, headWidth };
    const { args, values } = attentionCase(gpu(), { ...shape, rows: 1 });
    const splits = Math.ceil(keys / LOGITS_SPLIT_KEYS);
    const [logits, sums] = [outputTensor(gpu(), [heads, keys]), outputTensor(gpu(), [splits, heads])];
    const record = withCapabilities(kind, (recorder) => attentionLogits(recorder, { ...args, logits, sums }));
    const found = await runAndRead(gpu(), logits, record);

    const expected = Float64Array.from({ length: heads * keys }, (_, i) =>
      attentionLogit(values.q, values.k, 0, i % keys, Math.floor(i / keys), shape, args.scale),
    );
    expectNmse("logits", found as Float32Array, expected, NMSE_PRODUCT);
    const sumOf = (split: number, head: number) => {
      const first = head * keys + split * LOGITS_SPLIT_KEYS;
      const own = expected.subarray(first, Math.min(first + LOGITS_SPLIT_KEYS, (head + 1) * keys));
      return Math.log(own.reduce((sum, logit) => sum + Math.exp(logit), 0));
    };
    const expectedSums = Array.from({ length: splits * heads }, (_, i) => sumOf(Math.floor(i / heads), i % heads));
    expectClose("log-sum-exp", await readFloats(gpu(), sums), expectedSums, 1e-5, 1e-5);
  });
});
