import { describe, expect, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { deltaPairs } from "../../src/kernels/delta-pairs.ts";
import { DELTA_CHUNK } from "../../src/kernels/delta-rule.ts";
import { deltaPairs as reference } from "../reference/delta-pairs.ts";
import { expectNmse } from "../support/compare.ts";
import { DELTA_HEADS, deltaCase, deltaTensors, headsOf } from "../support/delta-case.ts";
import { freshRandom, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_DELTA_RULE } from "../support/tolerances.ts";

describe("delta-pairs", () => {
  const { gpu } = useGpu();

  test.for(DELTA_HEADS)("%i key heads, %i value heads of %i x %i", async (shape) => {
    const heads = headsOf(shape);
    for (const rows of [1, 16, 37]) {
      const values = deltaCase(freshRandom("delta-pairs"), rows, heads);
      const pairs = outputTensor(gpu(), [rows, heads.valueHeads * 2 * DELTA_CHUNK]);
      const scales = outputTensor(gpu(), [rows, heads.valueHeads * 4]);
      const args = { ...deltaTensors(gpu(), values, 0, rows), pairs, scales };
      const found = await runAndRead(gpu(), pairs, (pass) => deltaPairs(pass, args));
      expectNmse("pairs", found, reference(values.qkv, values.gates, values, heads, DELTA_CHUNK), NMSE_DELTA_RULE);
      expect((await readFloats(gpu(), scales)).every(Number.isFinite)).toBe(true);
    }
  });

  test("keys wider than workgroup memory holds are refused", () => {
    const heads = headsOf([1, 1, 257, 1]);
    const args = deltaTensors(gpu(), deltaCase(freshRandom("delta-pairs"), 1, heads), 0, 1);
    const [pairs, scales] = [outputTensor(gpu(), [1, 32]), outputTensor(gpu(), [1, 4])];
    expect(() => gpu().submit("test", (pass) => deltaPairs(pass, { ...args, pairs, scales }))).toThrow("keys of 257");
  });
});
