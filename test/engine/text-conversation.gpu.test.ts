/** Later turns of models whose layers differ: windows, layers without RoPE, convolutions with a state of their own. */
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { Sequence } from "../../src/generate/sequence.ts";
import { useDevice } from "../support/gpu.ts";
import { sharedUrl } from "../support/shared.ts";

const user = (content: string): Message => ({ role: "user", content });
const options = { maxTokens: 12, temperature: 0 } as const;
const { device } = useDevice();
const load = (folder: string, maxContext = 400, keptBytes?: number) => {
  const settings = { weights: "f32", precision: "f32", maxContext, device: device() } as const;
  const source = sharedUrl(`golden/families/${folder}/model`);
  return Fovea.load(source, { ...settings, ...(keptBytes !== undefined && { keptBytes }) });
};

afterEach(() => {
  vi.restoreAllMocks();
});

const FOLDERS = ["text-lfm2", "text-gemma3-linear", "text-smollm3", "text-mistral"];

describe.for(FOLDERS)("%s", (folder) => {
  test("go on from the rows of earlier ones, as if everything had run anew", async () => {
    const prefill = vi.spyOn(Sequence.prototype, "prefill");
    const keep = () => prefill.mock.calls.at(-1)![1]!.keep!;
    const fovea = await load(folder);
    // Another question makes it forget the one before.
    const fresh = await load(folder, 400, 0);
    try {
      const turns = [user("Tell me about rivers, bridges and the people who cross them every morning.")];
      const first = await fovea.generate({ messages: turns, ...options }).text();
      expect(keep()).toBe(0);
      turns.push({ role: "assistant", content: first }, user("And why?"));
      const second = await fovea.generate({ messages: turns, ...options }).text();
      expect(keep(), "rows kept").toBeGreaterThan(20);
      expect(second).toBe(await fresh.generate({ messages: turns, ...options }).text());
      // Back into the middle of the first question: rows behind it are forgotten.
      const edited = [user("Tell me about rivers, bridges and boats.")];
      const third = await fovea.generate({ messages: edited, ...options }).text();
      expect(keep(), "rows kept").toBeGreaterThan(5);
      await fresh.generate({ messages: [user("Something else.")], ...options }).text();
      expect(third).toBe(await fresh.generate({ messages: edited, ...options }).text());
      // And to the first conversation, whose rows were copied.
      expect(await fovea.generate({ messages: turns, ...options }).text()).toBe(second);
      expect(keep(), "rows kept").toBeGreaterThan(30);
    } finally {
      for (const engine of [fovea, fresh]) engine.dispose();
    }
  });
});

test("convolutions go back to rows whose state they kept, and run anew from earlier ones", async () => {
  const prefill = vi.spyOn(Sequence.prototype, "prefill");
  const keep = () => prefill.mock.calls.at(-1)![1]!.keep!;
  const [fovea, fresh] = [await load("text-lfm2", 2000, 0), await load("text-lfm2", 2000, 0)];
  try {
    const ask = (engine: Fovea, text: string) => engine.generate({ messages: [user(text)], ...options }).text();
    const words = "rivers and bridges ".repeat(90);
    const rows = async (text: string) => {
      const answer = await ask(fovea, text);
      const kept = keep();
      await ask(fresh, "Something else.");
      expect(answer).toBe(await ask(fresh, text));
      return { kept, all: prefill.mock.calls.at(-1)![0].ids.length };
    };
    const { all } = await rows(words);
    expect(all).toBeGreaterThan(700);
    const late = await rows(`${words.slice(0, -60)} and boats`);
    expect(late.kept).toBeGreaterThan(all - 128);
    expect((await rows(`${words.slice(0, 20)} and boats`)).kept).toBe(0);
  } finally {
    for (const engine of [fovea, fresh]) engine.dispose();
  }
});
