/** The decoder under other masks than the causal one, and with positions on three axes. */
import { describe, expect, test } from "vitest";
import { GREEDY } from "../../../src/generate/token-choice.ts";
import { readFloats } from "../../../src/gpu/readback.ts";
import type { PromptRows } from "../../../src/model/decoder/prompt-rows.ts";
import { chunkEnds } from "../../../src/model/decoder/visible.ts";
import { decode, greedy } from "../../reference/model/decoder.ts";
import { pictureRuns, prefixLm, slidingWindow } from "../../reference/visible.ts";
import { expectNmse } from "../../support/compare.ts";
import { decoderOf, randomPrompt, randomWeights, SMALL_CONFIG } from "../../support/decoder.ts";
import { freshRandom, useGpu } from "../../support/gpu.ts";
import { NMSE_MODEL, NMSE_SAME_ROWS } from "../../support/tolerances.ts";

const { gpu } = useGpu();

const json = SMALL_CONFIG;
const ROWS = 46;
/** Text, a picture in rows 4 to 17, text, a picture in rows 20 to 40, text. */
const PARTS = [[3, 10, 17, 24], { image: 13 }, [5, 12, 19], { image: 20 }, [9, 16, 23, 30, 37, 44]];
const PICTURES = [
  [4, 17],
  [20, 40],
] as const;

/** A random decoder with a prompt of `PARTS`. */
async function make(axisOfPair?: readonly number[]) {
  const random = freshRandom("masks");
  const weights = randomWeights(random, json);
  const model = await decoderOf(gpu(), json, weights, axisOfPair && { axisOfPair });
  return { random, weights, model, ...randomPrompt(gpu(), random, PARTS, json.hidden_size, weights) };
}

describe("masks", () => {
  test.for<[string, readonly number[], number]>([
    ["pictures that see themselves", pictureRuns(ROWS, PICTURES), 20],
    ["pictures that see themselves, one chunk", pictureRuns(ROWS, PICTURES), 64],
    ["a sliding window of 9 rows", slidingWindow(ROWS, 9), 7],
    ["a prefix of 40 rows", prefixLm(ROWS, 40), 42],
  ])("%s: chunks give what the reference gives", async ([, visible, maxRows]) => {
    const { model, weights, prompt, reference } = await make();
    const masked: PromptRows = { ...prompt, visible: Uint32Array.from(visible) };
    const ends = chunkEnds(masked.visible, { first: 0, maxRows });
    const expected = decode({ ...reference, visible }, json, weights).logits;
    expectNmse("logits", await model.run(masked, ends.slice(0, -1)), expected, NMSE_MODEL);
    // The mask matters: a causal pass differs.
    expect((await model.run(prompt, [])).some((value, i) => Math.abs(value - expected[i]!) > 1e-3)).toBe(true);
  });

  test("prefill and steps behind pictures that see themselves", async () => {
    const { model, weights, prompt, reference } = await make();
    const visible = pictureRuns(ROWS, PICTURES);
    const expected = greedy({ ...reference, visible }, 4, json, weights);
    await model.sequence.prefill({ ...prompt, visible: Uint32Array.from(visible) });
    const logits: number[] = [];
    const ids: number[] = [];
    for (let step = 0; step < 4; step++) {
      ids.push((await model.sequence.step(GREEDY)).id);
      logits.push(...(await readFloats(gpu(), model.sequence.logits)));
    }
    expect(ids).toEqual(expected.ids);
    expectNmse("logits", logits, expected.logits, NMSE_MODEL);
  });

  test("a run of rows that is longer than a chunk is refused, and the cache is empty then", async () => {
    const { model, prompt } = await make();
    const long = { ...prompt, ids: new Uint32Array(130), positions: new Uint32Array(130), pictures: [] };
    const visible = Uint32Array.from(prefixLm(130, 129));
    await expect(model.sequence.prefill({ ...long, visible })).rejects.toMatchObject({ code: "context-full" });
    expect(model.sequence.length).toBe(0);
  });
});

describe("positions on three axes", () => {
  const axisOfPair = [0, 0, 1, 1, 1, 2, 2, 2]; // of heads of 16

  test("equal numbers on all axes are one axis; steps go on from the next position", async () => {
    const { model, prompt, weights, reference } = await make(axisOfPair);
    const positions = Uint32Array.from(
      [prompt.positions, prompt.positions, prompt.positions].flatMap((axis) => [...axis]),
    );
    const expected = greedy(reference, 3, json, weights);
    await model.sequence.prefill({ ...prompt, positions });
    for (let step = 0; step < 3; step++) {
      expect((await model.sequence.step(GREEDY)).id).toBe(expected.ids[step]);
      const logits = await readFloats(gpu(), model.sequence.logits);
      expectNmse("logits", logits, expected.logits.subarray(50 * step, 50 * (step + 1)), NMSE_MODEL);
    }
  });

  test("rows one by one and in chunks give what one chunk gives", async () => {
    const { random, model, prompt } = await make(axisOfPair);
    const positions = Uint32Array.from({ length: 3 * ROWS }, () => random.integer(0, 60));
    const whole = await model.run({ ...prompt, positions }, []);
    for (const ends of [[7, 30, 31], Array.from({ length: ROWS - 1 }, (_, i) => i + 1)])
      expectNmse("logits", await model.run({ ...prompt, positions }, ends), whole, NMSE_SAME_ROWS);
    expect(
      (await model.run({ ...prompt, positions: positions.map((_, i) => i % ROWS) }, [])).some(
        (value, i) => Math.abs(value - whole[i]!) > 1e-3,
      ),
    ).toBe(true);
  });
});
