/** Several conversations in turn: each goes on from its own rows, within a budget, and answers as if all had run anew. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnswerAttention, GenerateRequest, LoadOptions, Message, ModelFiles } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { planModel } from "../../src/engine/plan-model.ts";
import { chatFiles } from "../support/chat-files.ts";
import { useDevice } from "../support/gpu.ts";

function picture(seed: number): ImageData {
  const image = new ImageData(30, 20);
  for (let i = 0; i < image.data.length; i++) image.data[i] = (i * (seed + 3)) % 251;
  return image;
}

const user = (text: string, ...seeds: number[]): Message => ({
  role: "user",
  content: [...seeds.map((seed) => ({ type: "image", image: picture(seed) }) as const), { type: "text", text }],
});

async function ask(fovea: Fovea, messages: Message[], more: Partial<GenerateRequest> = {}) {
  const answer = fovea.generate({ messages, maxTokens: 8, ...more });
  let [text, attention] = ["", undefined as AnswerAttention | undefined];
  for await (const event of answer) {
    if (event.type === "text") text += event.text;
    if (event.type === "attention") attention = event;
  }
  return { text, attention, ...answer.stats! };
}

const { device } = useDevice();
const settings = { weights: "f32", precision: "f32", maxContext: 400 } as const;

/** The answer of an engine that has no rows. */
async function askAnew(fresh: Fovea, messages: Message[], more: Partial<GenerateRequest> = {}) {
  await fresh.inspect({ inputIds: [1, 2, 3] });
  const answer = await ask(fresh, messages, more);
  expect(answer.reusedTokens).toBeLessThan(3);
  return answer;
}

/** A second turn of `first` after `other`, which must be that of an engine without rows. */
async function goBack(
  [fovea, fresh]: [Fovea, Fovea],
  [first, other]: [Message, Message],
  more: Partial<GenerateRequest> = {},
) {
  const one = await ask(fovea, [first], more);
  await ask(fovea, [other], more);
  const turns: Message[] = [first, { role: "assistant", content: one.text }, user("And why?")];
  const back = await ask(fovea, turns, more);
  const anew = await askAnew(fresh, turns, more);
  expect(back.text).toBe(anew.text);
  // The masks of the answer's tokens weigh what all earlier rows paid to pictures.
  const masks = ({ attention }: typeof anew) => attention?.layers.map(({ inhibited }) => [...inhibited]);
  expect(masks(back)).toEqual(masks(anew));
  if (more.attention) expect(masks(back)!.flat()).toContain(1);
  return { one, back };
}

function load(files: ModelFiles, more: LoadOptions = {}): Promise<Fovea> {
  return Fovea.load(files, { ...settings, ...more, device: device() });
}

async function loadBoth(files: ModelFiles): Promise<[Fovea, Fovea]> {
  return [await load(files), await load(files, { keptBytes: 0 })];
}

function disposeAll(engines: Fovea[]): void {
  for (const engine of engines) {
    engine.dispose();
    expect(engine.memory.gpuBytes).toBe(0);
  }
}

describe("a conversation goes on after another one", () => {
  let engines: [Fovea, Fovea];
  beforeAll(async () => {
    engines = await loadBoth(await chatFiles());
  });
  afterAll(() => disposeAll(engines));

  const pair: [Message, Message] = [user("What is this?", 1), user("What is that, then?", 2)];

  test.for([
    ["inhibited", { inhibition: { maxRatio: 0.6 } }],
    ["whole attention, all tokens", { inhibition: { maxRatio: 0 }, compression: { method: "none" } }],
    ["original positions", { compression: { method: "vmtc", ratio: 0.5, positions: "original" } }],
    ["watched", { attention: true, inhibition: { maxRatio: 0.6 } }],
  ] as const)("with pictures, %s", async ([, more]) => {
    const { one, back } = await goBack(engines, pair, more);
    // The last rows of a prompt may be written otherwise once the answer is there.
    expect(back.reusedTokens).toBeGreaterThanOrEqual(one.promptTokens);
  });

  test("without memory for others: its rows run again", async () => {
    const { one, back } = await goBack([engines[1], engines[1]], pair);
    expect(back.reusedTokens).toBeLessThan(one.promptTokens - one.imageTokensAfter);
  });
});

/** About the length of a conversation of these tests. */
const ROWS = 235;

describe("several conversations", () => {
  let fovea: Fovea;
  let rowBytes: number;
  let keptBytes: number;
  let loadedBytes: number;
  beforeAll(async () => {
    const files = await chatFiles();
    const { gpu, contextLength } = await planModel(files, settings);
    rowBytes = gpu.cacheBytes / contextLength;
    expect(gpu.keptBytes).toBe(gpu.cacheBytes);
    keptBytes = Math.floor(2.5 * ROWS * rowBytes);
    fovea = await load(files, { keptBytes });
    expect((await planModel(files, { ...settings, keptBytes })).gpu.keptBytes).toBe(keptBytes);
    loadedBytes = fovea.memory.gpuBytes;
  });
  afterAll(() => {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
  });

  const plain = { inhibition: { maxRatio: 0 } } as const;
  const question = (name: string) => [{ role: "user", content: `${name} `.repeat(12) } as Message];

  test("the least recently used goes first, and memory stays within the budget", async () => {
    const reused: Record<string, number> = {};
    const turn = async (name: string) => {
      const { reusedTokens, promptTokens } = await ask(fovea, question(name), plain);
      expect(promptTokens).toBeGreaterThan(0.85 * ROWS);
      expect(promptTokens + 8).toBeLessThan(1.2 * ROWS);
      expect(fovea.memory.gpuBytes - loadedBytes).toBeLessThanOrEqual(keptBytes);
      reused[name] = reusedTokens / (promptTokens - 1);
    };
    // Two copies fit beside the cache.
    for (const name of ["sea", "sky", "sun"]) await turn(name);
    await turn("sea");
    expect(reused.sea).toBe(1);
    await turn("oak");
    await turn("sea");
    expect(reused.sea).toBe(1);
    await turn("sky");
    expect(reused.sky).toBeLessThan(0.9);
  });

  test("requests share the beginning of a prompt, in any order", async () => {
    const system: Message = { role: "system", content: "You answer as a sailor of old days." };
    const ask1 = (content: string) => ask(fovea, [system, { role: "user", content }], plain);
    const first = await ask1("Who built this ship, and when?");
    const second = await ask1("Is there a storm tonight?");
    expect(second.reusedTokens).toBeGreaterThan(0.4 * first.promptTokens);
    const again = await ask1("Who built this ship, and when?");
    expect(again.reusedTokens).toBe(first.promptTokens - 1);
    expect(again.text).toBe(first.text);
  });

  test("a picture that was encoded anew has the same rows", async () => {
    const first = await ask(fovea, [user("What is it?", 1)], plain);
    for (let seed = 2; seed < 11; seed++)
      await fovea.generate({ messages: [user("Next", seed)], ...plain, maxTokens: 1 }).text();
    expect(first.pictures[0]!.reused).toBe(false);
    const again = await ask(fovea, [user("What is it?", 1)], plain);
    expect(again.text).toBe(first.text);
  });

  test("an abort keeps the rows that ran", async () => {
    const messages = question("fog");
    const aborting = new AbortController();
    const answer = fovea.generate({ messages, maxTokens: 8, ...plain, signal: aborting.signal });
    for await (const event of answer) if (event.type === "prefill") aborting.abort();
    const { reusedTokens, promptTokens } = await ask(fovea, messages, plain);
    expect(reusedTokens).toBe(promptTokens - 1);
  });

  test("an inspection leaves a copy of the rows", async () => {
    const first = await ask(fovea, question("owl"), plain);
    await fovea.inspect({ inputIds: [1, 2, 3] });
    const again = await ask(fovea, question("owl"), plain);
    expect(again.reusedTokens).toBe(first.promptTokens - 1);
    expect(again.text).toBe(first.text);
  });

  test("a conversation that is too long says by how much", async () => {
    const asked = ask(fovea, [{ role: "user", content: "sea ".repeat(200) }], plain);
    const error = await asked.catch((reason) => reason);
    expect(error).toMatchObject({ code: "context-full", overflow: { contextLength: 400 } });
    expect(error.overflow.promptTokens).toBeGreaterThan(800);
  });

  test("wrong budgets are refused", async () => {
    await expect(Fovea.load({}, { keptBytes: -1 })).rejects.toThrow("keptBytes must be an integer from 0");
  });
});
