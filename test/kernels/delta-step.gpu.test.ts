import { describe, expect, test } from "vitest";
import { withCapabilities } from "../../src/gpu/pass.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import { deltaStep } from "../../src/kernels/delta-step.ts";
import { deltaRule } from "../reference/delta-step.ts";
import { expectNmse } from "../support/compare.ts";
import { DELTA_HEADS, deltaCase, deltaTensors, headsOf } from "../support/delta-case.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, SUBGROUPS, useGpu } from "../support/gpu.ts";
import { NMSE_DELTA_RULE } from "../support/tolerances.ts";

describe("delta-step", () => {
  const { gpu } = useGpu();

  test.for(DELTA_HEADS)("%i key heads, %i value heads of %i x %i", async (shape) => {
    const heads = headsOf(shape);
    const { valueHeads, keyWidth, valueWidth } = heads;
    const rows = 4;
    const values = deltaCase(freshRandom("delta-step"), rows, heads);
    const { y, state: last } = deltaRule(values.qkv, values.gates, values, heads);
    const size = valueHeads * keyWidth * valueWidth;
    for (const subgroups of SUBGROUPS) {
      const state = outputTensor(gpu(), [2 * size + 1]);
      for (let t = 0; t < rows; t++) {
        const found = outputTensor(gpu(), [1, valueHeads * valueWidth]);
        // The first row needs no state; each other one reads one place and writes the other.
        const places = { from: t === 0 ? undefined : ((t + 1) % 2) * size, to: (t % 2) * size };
        const args = { ...deltaTensors(gpu(), values, t, t + 1), state, places, y: found };
        const row = await runAndRead(gpu(), found, (pass) => deltaStep(withCapabilities(pass, { subgroups }), args));
        const width = valueHeads * valueWidth;
        expectNmse(`row ${t}`, row, y.subarray(t * width, (t + 1) * width), NMSE_DELTA_RULE);
      }
      const kept = await readFloats(gpu(), state);
      expectNmse("state", kept.subarray(size, 2 * size), last, NMSE_DELTA_RULE);
      expect(kept.at(-1), "after the states").toBeNaN();
    }
  });

  test("a state in place, and keys of zeros", async () => {
    const heads = headsOf([1, 2, 8, 6]);
    const random = freshRandom("delta-step");
    const values = deltaCase(random, 1, heads);
    values.qkv.fill(0, 8, 16);
    const before = random.floats(2 * 8 * 6);
    const expected = deltaRule(values.qkv, values.gates, values, heads, before);
    const state = inputTensor(gpu(), [before.length], before);
    const y = outputTensor(gpu(), [1, 12]);
    const args = { ...deltaTensors(gpu(), values, 0, 1), state, places: { from: 0, to: 0 }, y };
    expectNmse("y", await runAndRead(gpu(), y, (pass) => deltaStep(pass, args)), expected.y, NMSE_DELTA_RULE);
    expectNmse("state", await readFloats(gpu(), state), expected.state, NMSE_DELTA_RULE);
  });
});
