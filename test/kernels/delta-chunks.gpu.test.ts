import { describe, expect, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { deltaChunks } from "../../src/kernels/delta-chunks.ts";
import { deltaPairs } from "../../src/kernels/delta-pairs.ts";
import { DELTA_CHUNK } from "../../src/kernels/delta-rule.ts";
import { deltaChunks as reference } from "../reference/delta-chunks.ts";
import { expectNmse } from "../support/compare.ts";
import { DELTA_HEADS, type DeltaCase, deltaCase, deltaTensors, headsOf } from "../support/delta-case.ts";
import { freshRandom, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_DELTA_RULE } from "../support/tolerances.ts";

describe("delta-chunks", () => {
  const { gpu } = useGpu();

  /** Runs the rows in pieces that end at `ends`; each reads one of two states and writes the other. */
  async function check(values: DeltaCase, ends: readonly number[]): Promise<void> {
    const { heads } = values;
    const { valueHeads, keyWidth, valueWidth } = heads;
    const expected = reference(values.qkv, values.gates, values, heads);
    const [size, width] = [valueHeads * keyWidth * valueWidth, valueHeads * valueWidth];
    const state = outputTensor(gpu(), [2 * size + 1]);
    let first = 0;
    for (const [i, end] of ends.entries()) {
      const rows = end - first;
      const pairs = outputTensor(gpu(), [rows, valueHeads * 2 * DELTA_CHUNK]);
      const scales = outputTensor(gpu(), [rows, valueHeads * 4]);
      const y = outputTensor(gpu(), [rows, width]);
      const places = { from: i === 0 ? undefined : ((i + 1) % 2) * size, to: (i % 2) * size };
      const args = { ...deltaTensors(gpu(), values, first, end), pairs, scales, state, places, y };
      const found = await runAndRead(gpu(), y, (pass) => {
        deltaPairs(pass, args);
        deltaChunks(pass, args);
      });
      expectNmse(`rows ${first} to ${end}`, found, expected.y.subarray(first * width, end * width), NMSE_DELTA_RULE);
      first = end;
    }
    const kept = await readFloats(gpu(), state);
    const place = ((ends.length - 1) % 2) * size;
    expectNmse("state", kept.subarray(place, place + size), expected.state, NMSE_DELTA_RULE);
    expect(kept.at(-1), "after the states").toBeNaN();
  }

  test.for(DELTA_HEADS)("%i key heads, %i value heads of %i x %i", async (shape) => {
    for (const ends of [[1], [16], [35], [3, 19, 36]])
      await check(deltaCase(freshRandom("delta-chunks"), ends.at(-1)!, headsOf(shape)), ends);
  });

  test("heads that forget everything at once, and nothing", async () => {
    const heads = headsOf([1, 2, 8, 8]);
    const values = deltaCase(freshRandom("delta-chunks"), 40, heads);
    // exp(5) * softplus(30) is thousands: the decay underflows to 0. The other head's rounds to 1.
    for (let t = 0; t < 40; t++) values.gates.set([30, -30], (2 * t + 1) * 2);
    values.rate.set([5, -12]);
    values.bias.fill(0);
    await check(values, [40]);
  });

  test("many rows of equal keys", async () => {
    const heads = headsOf([1, 1, 4, 4]);
    const values = deltaCase(freshRandom("delta-chunks"), 200, heads);
    for (let t = 1; t < 200; t++) values.qkv.copyWithin(12 * t + 4, 4, 8);
    values.rate.fill(-9);
    await check(values, [100, 200]);
  });
});
