import { describe, expect, test } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import { readTensor } from "../../src/gpu/readback.ts";
import { view } from "../../src/gpu/tensor.ts";
import { NOT_FINITE, type SampleArgs, sample } from "../../src/kernels/sample.ts";
import { NO_TOKEN } from "../../src/kernels/token-embed.ts";
import { type SampleOptions, sampleDistribution } from "../reference/sample.ts";
import { sampleDraw } from "../reference/sample-draw.ts";
import { freshRandom, inputTensor, outputTensor, useGpu, withCapabilities } from "../support/gpu.ts";

type Settings = Pick<SampleArgs, "temperature" | "topK" | "topP" | "minP" | "repetitionPenalty">;
const PLAIN: Settings = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };

function bitsOf(count: number, ids: Iterable<number>): Uint32Array {
  const words = new Uint32Array(Math.ceil(count / 32));
  for (const id of ids) words[id >> 5]! |= 1 << (id & 31);
  return words;
}

interface Case {
  logits: ArrayLike<number>;
  settings?: Partial<Settings>;
  seen?: number[];
  banned?: number[];
  seed?: number;
  steps?: number;
  /** Default true. */
  software?: boolean;
}

/** Draws `steps` tokens, each with the same ids seen; `seenAfter` is of the last draw. */
async function draw(gpu: Gpu, sampled: Case) {
  const { logits, settings, seen = [], banned = [], seed = 1, steps = 1, software = true } = sampled;
  const V = logits.length;
  const words = Math.ceil(V / 32);
  const isBanned = new Set(banned);
  const ids = Array.from({ length: V }, (_, id) => id).filter((id) => !isBanned.has(id));
  const input = inputTensor(gpu, [V], logits);
  const allowed = inputTensor(gpu, [words], bitsOf(V, ids), "u32");
  const args = { logits: input, allowed, ...PLAIN, ...settings, seed };
  // Views lie 256 bytes apart. The penalty makes draws depend on those before: then each has bits of its own.
  const spaced = 64 * Math.ceil(words / 64);
  const copies = args.repetitionPenalty === 1 ? 1 : steps;
  const tokens = outputTensor(gpu, [steps * 64], "u32");
  const allSeen = inputTensor(gpu, [copies * spaced], [], "u32");
  const seenOf = (step: number) => view(allSeen, [words], Math.min(step, copies - 1) * spaced);
  for (let step = 0; step < copies; step++) gpu.upload(seenOf(step), bitsOf(V, seen));
  const record = (step: number) =>
    withCapabilities({ software }, (recorder) =>
      sample(recorder, { ...args, seen: seenOf(step), token: view(tokens, [1], step * 64), step }),
    );
  await gpu.compile(record(0));
  gpu.submit("draws", (pass) => {
    for (let step = 0; step < steps; step++) record(step)(pass);
  });
  const values = await readTensor(gpu, tokens);
  const seenAfter = await readTensor(gpu, seenOf(steps - 1));
  for (const tensor of [input, allowed, tokens, allSeen]) gpu.arena.free(tensor);
  return { ids: Array.from({ length: steps }, (_, step) => values[step * 64]!), seenAfter };
}

/** The reference reads settings as the kernel gets them, in f32; what comes within a millionth of topP reaches it. */
function distribution({ logits, settings, seen = [], banned = [] }: Case) {
  const all = { ...PLAIN, ...settings };
  const options: SampleOptions = {
    temperature: all.temperature,
    topK: all.topK,
    topP: all.topP < 1 ? Math.fround(all.topP) * 0.999999 : 1,
    // A token at the border, which f32 may put on either side, is in.
    minP: all.minP * 0.999999,
    repetitionPenalty: all.repetitionPenalty,
    seen,
    banned,
  };
  return sampleDistribution(logits, options);
}

describe("sample", () => {
  const { gpu } = useGpu();

  /** Every draw must be the token that seed and step draw from what the reference keeps. */
  async function check(sampled: Case) {
    const kept = distribution(sampled);
    const { ids } = await draw(gpu(), sampled);
    const expected = ids.map((_, step) => sampleDraw(kept, sampled.seed ?? 1, step));
    // Two tokens whose noisy scores differ by a rounding of f32 may change places: once in thousands of draws.
    const wrong = ids.filter((id, step) => id !== expected[step]);
    const keptIds = new Set(kept.map(({ id }) => id));
    expect(
      ids.filter((id) => !keptIds.has(id)),
      `drawn outside of the ${kept.length} kept`,
    ).toEqual([]);
    expect(wrong.length, `draws that differ: ${wrong}`).toBeLessThanOrEqual(1);
    return { kept: kept.length, different: new Set(ids).size };
  }

  const settings: [string, Partial<Settings>][] = [
    ["temperature alone", { temperature: 0.7 }],
    ["top-k 1", { topK: 1 }],
    ["top-k 5", { topK: 5, temperature: 3 }],
    ["top-k 300, more than there are blocks", { topK: 300, temperature: 3 }],
    ["top-p 0.5", { topP: 0.5 }],
    ["top-p 0.95", { topP: 0.95, temperature: 1.5 }],
    ["top-p 0 keeps one", { topP: 0, temperature: 5 }],
    ["top-p 0.999", { topP: 0.999, temperature: 0.8 }],
    ["min-p 0.2", { minP: 0.2, temperature: 1.5 }],
    ["min-p 1 keeps the largest", { minP: 1, temperature: 5 }],
    ["min-p, top-k and top-p", { minP: 0.3, topK: 50, topP: 0.98, temperature: 3 }],
    ["top-k and top-p", { topK: 20, topP: 0.8, temperature: 2 }],
    ["penalty and all others", { topK: 40, topP: 0.9, temperature: 2, repetitionPenalty: 1.3 }],
    ["a penalty that rewards", { topK: 4, repetitionPenalty: 0.8 }],
  ];
  // Below and above the blocks of 128 or 256 and the lists of 128 or 1024; sizes that are no multiple of 32 or of 4.
  for (const [V, software] of [
    [1, true],
    [7, true],
    [200, true],
    [999, true],
    [5000, true],
    [7, false],
    [200, false],
    [5001, false],
  ] as const)
    test.for(settings)(`${V} logits, software ${software}, %s`, async ([, chosen]) => {
      const random = freshRandom("sample");
      const logits = random.floats(V, 2);
      const some = (share: number) => Array.from({ length: V }, (_, id) => id).filter(() => random.uniform() < share);
      const banned = V > 1 ? some(0.2) : [];
      const seed = random.integer(0, 2 ** 32 - 1);
      const steps = software ? 60 : 15;
      await check({ logits, settings: chosen, seen: some(0.3), banned, seed, steps, software });
    });

  test.for([true, false])(
    "ties with the k-th largest are all kept, and cut by id at top-p, software %s",
    async (software) => {
      const random = freshRandom("sample");
      // Three values only: 2 and more at every border.
      const logits = Float32Array.from({ length: 600 }, () => random.integer(0, 2) * 3);
      const tied = { logits, steps: software ? 100 : 15, software };
      expect((await check({ ...tied, settings: { topK: 5 } })).kept).toBeGreaterThan(100);
      for (const topP of [0.1, 0.333, 0.7]) await check({ ...tied, settings: { topP, temperature: 100 } });
      for (const topP of [0.3, 0.6]) await check({ ...tied, settings: { topP, topK: 5, temperature: 100 } });
    },
  );

  test("top-p that equal tokens reach exactly keeps no more", async () => {
    const constant = { logits: new Float32Array(8).fill(-3), steps: 200 };
    expect(await check({ ...constant, settings: { topP: 0.5 } })).toEqual({ kept: 4, different: 4 });
    expect(await check({ ...constant, settings: { topP: 0.51 } })).toEqual({ kept: 5, different: 5 });
    expect(await check({ ...constant, settings: { topP: 0.125 } })).toEqual({ kept: 1, different: 1 });
  });

  test.for([true, false])("more candidates than the list holds, software %s", async (software) => {
    const random = freshRandom("sample");
    const logits = random.floats(6000, 0.1);
    const many = { logits, seed: random.integer(0, 2 ** 32 - 1), steps: software ? 60 : 10, software };
    expect((await check({ ...many, settings: { topP: 0.9 } })).kept).toBeGreaterThan(1024);
    expect((await check({ ...many, settings: { topK: 3000 } })).kept).toBe(3000);
    expect((await check({ ...many, settings: { topK: 3000, topP: 0.5 } })).kept).toBeGreaterThan(1024);
    // All equal: 5400 ties at the border.
    const flat = { ...many, logits: new Float32Array(6000).fill(1.5) };
    expect((await check({ ...flat, settings: { topP: 0.9 } })).kept).toBe(5400);
  });

  test("draws follow the probabilities", async () => {
    const steps = 4000;
    const logits = [1, 0.5, 0, -0.5, 2, -1, 0.3, 1.2, -2, 0.1];
    for (const [seed, settings] of [
      [11, { temperature: 1 }],
      [12, { temperature: 0.6, topK: 6 }],
      [13, { temperature: 2, topP: 0.9 }],
    ] as const) {
      const kept = distribution({ logits, settings });
      const { ids } = await draw(gpu(), { logits, settings, seed, steps });
      const chiSquare = kept.reduce((sum, { id, probability }) => {
        const count = ids.filter((drawn) => drawn === id).length;
        return sum + (count - steps * probability) ** 2 / (steps * probability);
      }, 0);
      // At most 9 degrees of freedom: above 27.9 once in a thousand. The seeds are fixed, so the result is too.
      expect(chiSquare).toBeLessThan(27.9);
    }
  });

  test("seeds and steps draw differently, equal ones alike", async () => {
    const logits = new Float32Array(1000);
    const one = (await draw(gpu(), { logits, seed: 1, steps: 50 })).ids;
    const again = (await draw(gpu(), { logits, seed: 1, steps: 50 })).ids;
    const other = (await draw(gpu(), { logits, seed: 2, steps: 50 })).ids;
    expect(again).toEqual(one);
    expect(other.filter((id, i) => id === one[i]).length).toBeLessThan(3);
    expect(new Set(one).size).toBeGreaterThan(40);
  });

  test("greedy: the largest, the lowest id of equal ones, after the penalty", async () => {
    const greedy = { temperature: 0 };
    const logits = new Float32Array(700).fill(-1);
    logits[690] = logits[77] = logits[333] = 4;
    expect((await draw(gpu(), { logits, settings: greedy })).ids).toEqual([77]);
    expect((await draw(gpu(), { logits, settings: greedy, banned: [77] })).ids).toEqual([333]);
    const penalised = { ...greedy, repetitionPenalty: 1.5 };
    expect((await draw(gpu(), { logits, settings: penalised, seen: [77, 333] })).ids).toEqual([690]);
    expect((await draw(gpu(), { logits: [-4, -3, -3.5], settings: penalised, seen: [1] })).ids).toEqual([2]);
    // A temperature that f32 cannot tell from 0.
    expect((await draw(gpu(), { logits, settings: { temperature: 1e-9 } })).ids).toEqual([77]);
  });

  test("the chosen id is marked as seen, beside those that were", async () => {
    const logits = new Float32Array(100);
    logits[65] = 9;
    const { seenAfter } = await draw(gpu(), { logits, settings: { temperature: 0 }, seen: [3, 64] });
    expect(seenAfter).toEqual(bitsOf(100, [3, 64, 65]));
  });

  test("infinite, NaN and huge logits", async () => {
    const { NEGATIVE_INFINITY: low, POSITIVE_INFINITY: high, NaN: nan } = Number;
    const drawn = async (logits: number[], settings: Partial<Settings> = {}) =>
      new Set((await draw(gpu(), { logits, settings, steps: 40 })).ids);
    for (const settings of [{}, { topK: 2 }, { topP: 0.9 }, { topK: 2, topP: 0.9 }, { temperature: 0 }]) {
      for (const bad of [low, high, nan, -nan]) {
        expect(await drawn([0, 1, bad, 1e30], settings)).toEqual(new Set([NOT_FINITE]));
        expect(await drawn([bad], settings)).toEqual(new Set([NOT_FINITE]));
        // Beyond the first of a thread's ids.
        expect(await drawn([...new Array(1000).fill(1), bad], settings)).toEqual(new Set([NOT_FINITE]));
        // What may not be generated does not count.
        expect((await draw(gpu(), { logits: [0, bad], settings, banned: [1] })).ids).toEqual([0]);
      }
      expect(await drawn([3e38, -3e38, 0], settings)).toEqual(new Set([0]));
      expect(await drawn([-3e38, -3e38], { ...settings, temperature: 0 })).toEqual(new Set([0]));
      expect(await drawn([0, 1, 2], { ...settings, temperature: 1e-5 })).toEqual(new Set([2]));
    }
    expect(await drawn([-3e38, -3e38])).toEqual(new Set([0, 1]));
    // -0 and 0 are equal.
    expect(await drawn([0, -0, -1], { topK: 1 })).toEqual(new Set([0, 1]));
  });

  test("no allowed id gives NO_TOKEN and marks nothing", async () => {
    const nothing = { logits: [1, 2, 3], banned: [0, 1, 2], seen: [2] };
    for (const settings of [{}, { temperature: 0 }, { topK: 2, topP: 0.5 }]) {
      const { ids, seenAfter } = await draw(gpu(), { ...nothing, settings });
      expect(ids).toEqual([NO_TOKEN]);
      expect(seenAfter).toEqual(bitsOf(3, [2]));
    }
  });

  test("settings out of range are refused", async () => {
    const refused = (settings: Partial<Settings>) =>
      expect(draw(gpu(), { logits: [1], settings })).rejects.toThrow(RangeError);
    await refused({ temperature: -1 });
    await refused({ temperature: Number.NaN });
    await refused({ topK: 1.5 });
    await refused({ topP: 1.1 });
    await refused({ minP: -0.1 });
    await refused({ minP: 1.5 });
    await refused({ repetitionPenalty: 0 });
  });
});
