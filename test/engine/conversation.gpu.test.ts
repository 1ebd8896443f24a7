/** What is kept from one question to the next: encoded pictures, and the rows that a prompt begins with. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GenerateRequest, GenerationEvent, Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { Gpu } from "../../src/gpu/device.ts";
import { chatFiles } from "../support/chat-files.ts";
import { useDevice } from "../support/gpu.ts";

/** Counts the submits of each label: what the GPU was asked to do. */
function countSubmits(): Map<string, number> {
  const counts = new Map<string, number>();
  const { submit } = Gpu.prototype;
  Gpu.prototype.submit = function (label, body) {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    return submit.call(this, label, body);
  };
  return counts;
}

/** A picture of its own for each seed. */
function picture(seed: number): ImageData {
  const image = new ImageData(30, 20);
  for (let i = 0; i < image.data.length; i++) image.data[i] = (i * (seed + 3)) % 251;
  return image;
}

describe("a conversation", () => {
  let fovea: Fovea;
  const submits = countSubmits();
  const { device } = useDevice();
  const load = async () => Fovea.load(await chatFiles(), { device: device(), maxContext: 400 });
  beforeAll(async () => {
    fovea = await load();
  });
  afterAll(() => {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
  });

  async function ask(messages: Message[], options: Partial<GenerateRequest> = {}) {
    submits.clear();
    const events: GenerationEvent[] = [];
    for await (const event of fovea.generate({ messages, maxTokens: 12, ...options })) events.push(event);
    const text = events.flatMap((event) => (event.type === "text" ? [event.text] : [])).join("");
    return { events, text, vision: submits.get("vision") ?? 0, prefill: submits.get("prefill") ?? 0 };
  }

  /** The same question to an engine that has nothing kept. */
  async function askAfresh(messages: Message[], options: Partial<GenerateRequest> = {}) {
    const fresh = await load();
    try {
      return await fresh.generate({ messages, maxTokens: 12, ...options }).text();
    } finally {
      fresh.dispose();
    }
  }

  const question = (text: string, seed = 1): Message => ({
    role: "user",
    content: [
      { type: "image", image: picture(seed) },
      { type: "text", text },
    ],
  });

  test("a request is what it was at the call", async () => {
    const tokens = async (change: (messages: Message[]) => void) => {
      const messages: Message[] = [{ role: "user", content: "What is it?" }];
      const answer = fovea.generate({ messages, maxTokens: 2 });
      change(messages);
      await answer.text();
      return answer.stats!.promptTokens;
    };
    const expected = await tokens(() => {});
    expect(await tokens((messages) => messages.push({ role: "assistant", content: "" }))).toBe(expected);
    expect(await tokens(([first]) => Object.assign(first!, { content: "Why?" }))).toBe(expected);
  });

  test("a picture is encoded once for each compression", async () => {
    expect((await ask([question("What?")])).vision).toBe(1);
    expect((await ask([question("Where is it?")])).vision).toBe(0);
    expect((await ask([question("What?", 2)])).vision).toBe(1);
    const compression = { method: "vmtc", tokens: 10 } as const;
    expect((await ask([question("What?")], { compression })).vision).toBe(1);
    expect((await ask([question("What?")], { compression })).vision).toBe(0);
  });

  test("events of a kept picture are those of the first time", async () => {
    const image = async () => {
      const { events } = await ask([question("Again?", 3)]);
      const found = events.find((event) => event.type === "image");
      return found?.type === "image" ? { ...found, milliseconds: 0 } : undefined;
    };
    const first = await image();
    expect(first).toMatchObject({ index: 0, tokens: 32 });
    expect(first!.stages.map(({ block }) => block)).toEqual([1, 3, 5]);
    expect(await image()).toEqual(first);
  });

  test.for([
    ["inhibited", { maxRatio: 0.6 }, 10],
    ["not inhibited", { maxRatio: 0 }, 20],
  ] as const)("later turns, %s: the answer is that of an engine that kept nothing", async ([, inhibition, seed]) => {
    const turns: Message[] = [question("What is this?", seed)];
    const first = await ask(turns, { inhibition });
    turns.push({ role: "assistant", content: first.text }, { role: "user", content: "And why?" });
    const second = await ask(turns, { inhibition });
    expect(second.text).toBe(await askAfresh(turns, { inhibition }));
    // Another picture in a later turn.
    turns.push({ role: "assistant", content: second.text }, question("And this?", seed + 1));
    const third = await ask(turns, { inhibition });
    expect(third.vision).toBe(1);
    expect(third.text).toBe(await askAfresh(turns, { inhibition }));
    // Back to the second question, as after an edit.
    const edited = [...turns.slice(0, 2), { role: "user", content: "And how?" } as Message];
    expect((await ask(edited, { inhibition })).text).toBe(await askAfresh(edited, { inhibition }));
  });

  test("another inhibition starts anew", async () => {
    const messages = [question("Who?", 6)];
    await ask(messages, { inhibition: { maxRatio: 0.6 } });
    const strong = { inhibition: { maxRatio: 1, schedule: "constant" } } as const;
    expect((await ask(messages, strong)).text).toBe(await askAfresh(messages, strong));
  });

  test("pictures that were not asked for are forgotten, and memory stays bounded", async () => {
    await ask([question("One", 100)]);
    for (let seed = 101; seed < 110; seed++) await ask([question("Next", seed)], { maxTokens: 1 });
    const before = fovea.memory.gpuBytes;
    for (let seed = 110; seed < 114; seed++) await ask([question("Next", seed)], { maxTokens: 1 });
    expect(fovea.memory.gpuBytes).toBe(before);
    expect((await ask([question("One", 100)])).vision).toBe(1);
  });
});
