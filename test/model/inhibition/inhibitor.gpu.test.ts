/** Attention inhibition in the decoder: golden masks and tokens, and prefill, chunks, decoding and turns that agree. */
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Inspection } from "../../../src/api.ts";
import { GREEDY } from "../../../src/generate/token-choice.ts";
import type { Recorder } from "../../../src/gpu/pass.ts";
import { readFloats } from "../../../src/gpu/readback.ts";
import type { Tensor } from "../../../src/gpu/tensor.ts";
import { imageRuns, type PromptRows } from "../../../src/model/decoder/prompt-rows.ts";
import { withDecodedRows } from "../../../src/model/decoder/visible.ts";
import { Inhibitor } from "../../../src/model/inhibition/inhibitor.ts";
import { planInhibition } from "../../../src/model/inhibition/plan.ts";
import { InhibitionRecord } from "../../../src/model/inhibition/record.ts";
import { decode, type Prompt as ReferencePrompt } from "../../reference/model/decoder.ts";
import type { Inhibition } from "../../reference/model/settings.ts";
import { pictureRuns, prefixLm, slidingWindow } from "../../reference/visible.ts";
import { expectNmse } from "../../support/compare.ts";
import {
  decoderOf,
  promptOf,
  randomPrompt,
  randomWeights,
  SMALL_CONFIG,
  type TestDecoder,
} from "../../support/decoder.ts";
import { GOLDEN_NAMES, type Golden, goldenProjection, goldenSettings, loadGolden } from "../../support/golden.ts";
import { inputTensor, Random, useGpu } from "../../support/gpu.ts";
import { NMSE_MODEL, NMSE_SAME_ROWS } from "../../support/tolerances.ts";

const { gpu } = useGpu();
const live: Inhibitor[] = [];
afterEach(() => {
  for (const inhibitor of live.splice(0)) inhibitor.dispose();
});

/** Inhibition for a prompt, with room for `room` rows behind it; `read` gives what it did to the prompt. */
function inhibitionOf({ decoder }: TestDecoder, prompt: PromptRows, inhibition: Inhibition, room = 0) {
  const plan = planInhibition(inhibition, decoder.spec.layers);
  const inhibitor = new Inhibitor(gpu(), gpu().arena, decoder, plan, sequenceOf(prompt, room));
  const arena = gpu().arena.scope();
  live.push(inhibitor);
  const record = new InhibitionRecord(gpu(), arena, inhibitor);
  return { inhibitor, read: () => record.read(prompt.ids.length).finally(() => arena.dispose()) };
}

/** A prompt and `room` rows behind it, as inhibition takes them. */
function sequenceOf(prompt: PromptRows, room = 0) {
  const ranges = withDecodedRows(prompt.visible, room);
  return { images: imageRuns(prompt), visible: () => ranges };
}

type Layer = Inspection["layers"][number];
interface ExpectedLayer {
  focus: ArrayLike<number>;
  inhibited: ArrayLike<number>;
  threshold: ArrayLike<number>; // NaN or below -9e29 where a row sees none
}

function compareLayer({ layer, focus, inhibited, threshold }: Layer, expected: ExpectedLayer) {
  expect([...inhibited], `mask of layer ${layer}`).toEqual(Array.from(expected.inhibited));
  expectNmse(`focus of layer ${layer}`, focus.data, expected.focus, NMSE_MODEL);
  const sees = Array.from(expected.threshold, (value) => value > -9e29);
  expect(Array.from(threshold.data, (value) => !Number.isNaN(value))).toEqual(sees);
  const seen = (values: ArrayLike<number>) => Array.from(values).filter((_, i) => sees[i]);
  expectNmse(`threshold of layer ${layer}`, seen(threshold.data), seen(expected.threshold), NMSE_MODEL);
}

async function describeGolden(name: (typeof GOLDEN_NAMES)[number]) {
  const golden = await loadGolden(name);
  describe(name, () => {
    const settings = Object.entries(goldenSettings(0)).filter(
      ([setting, { inhibition }]) => inhibition && golden.expected.has(`${setting}.greedy_logits`),
    );
    let decoder: Promise<TestDecoder>;
    test.for(settings)("%s", async ([setting, { inhibition }]) => {
      decoder ??= decoderOf(gpu(), golden.config, golden.weights);
      await checkGolden(await decoder, golden, setting, inhibition!);
    });
  });
}

/** The golden image tokens through the decoder, then greedy tokens one by one, as a user's question goes. */
async function checkGolden(model: TestDecoder, golden: Golden, setting: string, inhibition: Inhibition) {
  const { config, expected } = golden;
  const data = (key: string) => expected.get(`${setting}.${key}`)!.data;
  const prompt = goldenPrompt(golden, setting);
  const steps = data("greedy").length;
  const { inhibitor, read } = inhibitionOf(model, prompt, inhibition, steps);
  const logits: Tensor = gpu().arena.tensor("prompt logits", [prompt.ids.length, config.text_config.vocab_size]);
  await model.sequence.prefill(prompt, {
    inhibition: inhibitor,
    onChunk: (pass, hidden) => model.decoder.logits(pass, hidden, logits),
  });
  const layers = await read();
  // Logits of all rows are in ../shared alone; the greedy ones, of which the first is the prompt's last, are everywhere.
  if (expected.has(`${setting}.logits`))
    expectNmse("logits", await readFloats(gpu(), logits), data("logits"), NMSE_MODEL);
  const keys = [...expected.keys()].filter((key) => key.startsWith(`${setting}.layer`) && key.endsWith(".inhibited"));
  if (!setting.endsWith("original")) {
    expect(keys.map((key) => Number(/layer(\d)/.exec(key)![1]))).toEqual(layers.map(({ layer }) => layer));
    for (const layer of layers) {
      const entry = (field: string) => data(`layer${layer.layer}.${field}`);
      compareLayer(layer, { focus: entry("focus"), inhibited: entry("inhibited"), threshold: entry("threshold") });
    }
  }

  const greedy: number[] = [];
  const greedyLogits: number[] = [];
  for (let step = 0; step < steps; step++) {
    greedy.push((await model.sequence.step(GREEDY)).id);
    greedyLogits.push(...(await readFloats(gpu(), model.sequence.logits)));
  }
  expect(greedy).toEqual([...data("greedy")]);
  expectNmse("greedy logits", greedyLogits, data("greedy_logits"), NMSE_MODEL);
}

function goldenPrompt({ config, expected, inputIds }: Golden, setting: string): PromptRows {
  let images = 0;
  const prompt = promptOf(
    inputIds.map((id) => {
      if (id !== config.image_token_index) return [id];
      const { shape, data } = goldenProjection(expected, setting, images++);
      return inputTensor(gpu(), shape, data);
    }),
  );
  const positions = expected.get(`${setting}.positions`)?.data;
  if (!positions) return prompt;
  return { ...prompt, positions: Uint32Array.from(positions), nextPosition: positions.at(-1)! + 1 };
}

describe("golden decoders", async () => {
  for (const name of GOLDEN_NAMES) await describeGolden(name);
});

describe("a random decoder", () => {
  const json = SMALL_CONFIG;
  const text = (count: number, first = 3) => Array.from({ length: count }, (_, i) => (first + 7 * i) % 50);
  /** Text, an image, text, another image, text. */
  const TWO_IMAGES = [text(4), { image: 13 }, text(3, 5), { image: 20 }, text(6, 9)];

  interface Made {
    model: TestDecoder;
    prompt: PromptRows;
    reference: ReferencePrompt;
    decodeReference: (prompt: ReferencePrompt, inhibition?: Inhibition) => ReturnType<typeof decode>;
  }

  // The seed is fixed: two scores of a row can be as close as f32 rounds, once in some thousand rows.
  async function make(parts: Parameters<typeof randomPrompt>[2], scaleOf?: (name: string) => number): Promise<Made> {
    const random = new Random(5);
    const weights = randomWeights(random, json, scaleOf);
    const model = await decoderOf(gpu(), json, weights);
    const prompts = randomPrompt(gpu(), random, parts, json.hidden_size, weights);
    return { model, ...prompts, decodeReference: (prompt, inhibition) => decode(prompt, json, weights, inhibition) };
  }

  let shared: Promise<Made> | undefined;
  const twoImages = () => (shared ??= make(TWO_IMAGES));

  async function check(
    { model, prompt, reference, decodeReference }: Made,
    inhibition: Inhibition,
    ends: number[] = [],
  ) {
    const { inhibitor, read } = inhibitionOf(model, prompt, inhibition);
    const logits = await model.run(prompt, ends, inhibitor);
    const expected = decodeReference(reference, inhibition);
    const layers = await read();
    expect(layers.map(({ layer, ratio }) => [layer, ratio])).toEqual(
      expected.layers.map(({ layer, ratio }) => [layer, ratio]),
    );
    for (const [i, layer] of layers.entries()) compareLayer(layer, expected.layers[i]!);
    expectNmse("logits", logits, expected.logits, NMSE_MODEL);
    return { logits, layers };
  }

  test.for<Inhibition>([
    { maxRatio: 0.6 },
    { maxRatio: 1, schedule: "constant" },
    { maxRatio: 0.7, scope: "image", schedule: "constant" },
    { maxRatio: 0.7, scores: "logits", score: "sum" },
    { maxRatio: 0.7, score: "discounted-sum", discount: 0.5 },
    { maxRatio: 0.7, score: "text-to-image", scope: "image" },
  ])("two images: %j", async (inhibition) => {
    await check(await twoImages(), inhibition);
  });

  // Rows: text 0-3, image 4-16, text 17-19, image 20-39, text 40-45.
  test.for<[string, readonly number[], number[]]>([
    ["a window", slidingWindow(46, 25), [13, 30, 43]],
    [
      "pictures that see themselves",
      pictureRuns(46, [
        [4, 17],
        [20, 40],
      ]),
      [17, 41, 42],
    ],
    ["a prefix of text and pictures", prefixLm(46, 43), [43, 44]],
  ])("under %s", async ([, visible, ends]) => {
    const { prompt, reference, ...made } = await twoImages();
    const masked = { prompt: { ...prompt, visible: Uint32Array.from(visible) }, reference: { ...reference, visible } };
    for (const scope of ["row", "image"] as const)
      await check({ ...made, ...masked }, { maxRatio: 0.6, scope, schedule: "constant" }, ends);
  });

  test.for([
    [[4, 17, 20, 40]],
    [[10, 30, 43]],
    [[1, 2, 18, 19, 21, 41, 44]],
    [[7, 14, 21, 28, 35, 42]],
    [Array.from({ length: 45 }, (_, i) => i + 1)],
  ])("chunks that end at %j give what one chunk gives", async ([ends = []]) => {
    const made = await twoImages();
    const one = await check(made, { maxRatio: 0.6 });
    const many = await check(made, { maxRatio: 0.6 }, ends);
    for (const [i, layer] of many.layers.entries()) expect(layer.inhibited).toEqual(one.layers[i]!.inhibited);
    expectNmse("logits", many.logits, one.logits, NMSE_SAME_ROWS);
  });

  test("ratio 0 and prompts of text alone are plain attention, bit for bit", async () => {
    const { model, prompt } = await twoImages();
    const plain = await model.run(prompt, [30]);
    const off = inhibitionOf(model, prompt, { maxRatio: 0, schedule: "constant" });
    expect(await model.run(prompt, [30], off.inhibitor)).toEqual(plain);
    expect(await off.read()).toEqual([]);

    const { prompt: textPrompt, reference, decodeReference } = await make([text(9)]);
    const alone = inhibitionOf(model, textPrompt, { maxRatio: 1 });
    const logits = await model.run(textPrompt, [], alone.inhibitor);
    expect(logits).toEqual(await model.run(textPrompt, []));
    const layers = await alone.read();
    const expected = decodeReference(reference, { maxRatio: 1 }).layers;
    expect(layers.length).toBe(expected.length);
    for (const [i, layer] of layers.entries()) compareLayer(layer, expected[i]!);
  });

  test("an image at the very start, of one token, and side by side with another", async () => {
    await check(await make([{ image: 1 }, text(3)]), { maxRatio: 1, schedule: "constant" });
    await check(await make([{ image: 1 }, { image: 6 }, text(3)]), {
      maxRatio: 0.6,
      scope: "image",
      schedule: "constant",
    });
    await check(await make([{ image: 9 }, text(2), { image: 4 }]), { maxRatio: 0.6, schedule: "constant" });
  });

  test("heads whose whole mass is inhibited stay finite", async () => {
    const made = await make([text(2), { image: 15 }, text(5)], (name) => (/[qk]_proj/.test(name) ? 4 : 1));
    const inhibition: Inhibition = { maxRatio: 1, schedule: "constant" };
    const { logits, layers } = await check(made, inhibition);
    expect(logits.every(Number.isFinite)).toBe(true);
    for (const { inhibited } of layers) expect(inhibited.reduce((sum, bit) => sum + bit, 0)).toBe(5 * 14);
  });

  test("decoding row by row, a second turn and an image in it equal one prefill", async () => {
    // The first turn ends at row 20, ten rows are decoded, the second turn brings an image and is decoded on.
    const made = await make([
      text(4),
      { image: 13 },
      text(3, 5),
      text(10, 2),
      text(5, 8),
      { image: 11 },
      text(4),
      text(6),
    ]);
    const { model, prompt, reference, decodeReference } = made;
    const inhibition: Inhibition = { maxRatio: 0.6, schedule: "constant" };
    const rows = { ids: prompt.ids.subarray(0, 20), visible: prompt.visible.subarray(0, 40) };
    const turn: PromptRows = { ...prompt, ...rows, pictures: prompt.pictures.slice(0, 1) };
    const { inhibitor } = inhibitionOf(model, turn, inhibition, 12);
    const logits = [...(await model.runChunk(prompt, 0, 20, inhibitor))];
    for (let row = 20; row < 30; row++) logits.push(...(await model.runChunk(prompt, row, row + 1, inhibitor)));
    // Rows that were run ahead of a stop are forgotten: other tokens take their places.
    const ahead = { ...prompt, ids: prompt.ids.map((id) => (id + 1) % 50) };
    for (let row = 30; row < 32; row++) await model.runChunk(ahead, row, row + 1, inhibitor);

    inhibitor.extend(sequenceOf(prompt));
    logits.push(...(await model.runChunk(prompt, 30, 50, inhibitor)));
    for (let row = 50; row < prompt.ids.length; row++)
      logits.push(...(await model.runChunk(prompt, row, row + 1, inhibitor)));
    expectNmse("logits", logits, decodeReference(reference, inhibition).logits, NMSE_MODEL);

    const whole = inhibitionOf(model, prompt, inhibition);
    expectNmse("logits", logits, await model.run(prompt, [], whole.inhibitor), NMSE_SAME_ROWS);
    // Weak by itself, for it moves logits little; that the masks are the same shows in the tight bound above.
    expect((await model.run(prompt, [])).some((value, i) => Math.abs(value - logits[i]!) > 1e-3)).toBe(true);
  });

  test("dispatches: five a layer, nine in one that inhibits; one submit, nothing uploaded for it, no memory left", async () => {
    const { model, prompt } = await twoImages();
    const bytes = gpu().arena.bytes;
    const { inhibitor, read } = inhibitionOf(model, prompt, { maxRatio: 0.6 }, 8);
    await model.run(prompt, [], inhibitor);
    await read();
    const writes = vi.spyOn(gpu().device.queue, "writeBuffer");
    const positions = inputTensor(gpu(), [1, 1], [46], "u32");
    const visible = inputTensor(gpu(), [1, 2], [0, 47], "u32");
    const step = (attention?: Inhibitor) => {
      writes.mockClear();
      const counts = gpu().submit("step", (pass) =>
        model.decoder.forward(pass, { positions, visible: [visible], cache: model.cache, start: 46, attention }),
      );
      return { ...counts, writes: writes.mock.calls.length };
    };
    // Three layers, of which 1 and 2 inhibit. Software adapters norm apart, twice a layer.
    const plain = step();
    expect(plain).toMatchObject({ dispatches: 3 * 7, submits: 1 });
    expect(step(inhibitor)).toEqual({ ...plain, dispatches: 3 * 7 + 2 * 4 });
    writes.mockRestore();
    const dispatchesOnGpu = (attention?: Inhibitor) => {
      let dispatches = 0;
      const capabilities = { ...gpu().capabilities, software: false };
      const recorder: Recorder = { capabilities, dispatch: () => dispatches++, copy: () => {} };
      model.decoder.forward(recorder, { positions, visible: [visible], cache: model.cache, start: 46, attention });
      return dispatches;
    };
    expect(dispatchesOnGpu(), "five a layer").toBe(3 * 5);
    expect(dispatchesOnGpu(inhibitor), "nine in a layer that inhibits").toBe(5 + 2 * 9);
    gpu().arena.free(positions);
    gpu().arena.free(visible);
    inhibitor.dispose();
    expect(gpu().arena.bytes).toBe(bytes);
  });
});
