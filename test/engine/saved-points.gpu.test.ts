/** Later turns of a model with recurrent states: they go on from saved points only, with the answers of a fresh engine. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { GenerationStats, Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { Sequence } from "../../src/generate/sequence.ts";
import { deleteStoredConversation } from "../../src/weights/storage.ts";
import { useDevice } from "../support/gpu.ts";
import { textPart } from "../support/text-part.ts";

const user = (content: string): Message => ({ role: "user", content });
const assistant = (content: string): Message => ({ role: "assistant", content });
const options = { maxTokens: 10, temperature: 0 } as const;

describe("saved points", () => {
  let fovea: Fovea;
  let fresh: Fovea;
  const { device } = useDevice();
  beforeAll(async () => {
    const files = await textPart("qwen3_5-bf16");
    const settings = { weights: "f32", precision: "f32", maxContext: 400, device: device() } as const;
    fovea = await Fovea.load(files, settings);
    // Another question makes it forget the one before.
    fresh = await Fovea.load(files, { ...settings, keptBytes: 0 });
  });
  afterAll(() => {
    for (const engine of [fovea, fresh]) engine?.dispose();
    vi.restoreAllMocks();
  });

  interface Asked {
    text: string;
    stats: GenerationStats;
  }

  async function ask(
    engine: Fovea,
    messages: Message[],
    more: { stop?: string[]; maxTokens?: number } = {},
  ): Promise<Asked> {
    const answer = engine.generate({ messages, ...options, ...more });
    const text = await answer.text();
    return { text, stats: answer.stats! };
  }

  /** Asks both engines, the second one with nothing to reuse. Both must say the same. */
  async function compare(messages: Message[], more: { stop?: string[]; maxTokens?: number } = {}): Promise<Asked> {
    const asked = await ask(fovea, messages, more);
    await ask(fresh, [user("Something else.")]);
    const anew = await ask(fresh, messages, more);
    expect(anew.stats.reusedTokens).toBeLessThan(15);
    expect(asked.text).toBe(anew.text);
    return asked;
  }

  const first = [user("Tell me about rivers, bridges and the people who cross them every morning.")];

  test("a question goes on from the end of the answer before it", async () => {
    const one = await compare(first);
    expect(one.stats.reuse).toBe("saved points");
    const turns = [...first, assistant(one.text), user("And why?")];
    const { stats } = await compare(turns);
    // All of the first turn, its end included, and of the answer what its text is tokenised to again.
    expect(stats.reusedTokens).toBeGreaterThan(20);
  });

  test("the same question goes on from its own end", async () => {
    const { stats } = await compare(first);
    expect(stats.reusedTokens).toBeLessThan(stats.promptTokens);
    const again = await compare(first);
    expect(again.stats.promptTokens - again.stats.reusedTokens).toBeLessThan(12);
  });

  test("an edited last turn goes back to the end of the turn before it", async () => {
    const { text } = await compare(first);
    const turns = (last: string) => [...first, assistant(text), user(last)];
    await compare(turns("And why do they do so?"));
    const edited = await compare(turns("And why not?"));
    expect(edited.stats.reusedTokens).toBeGreaterThan(25);
    expect(edited.stats.reusedTokens).toBeLessThan(edited.stats.promptTokens - 5);
    // Another edit, after the decode of the first one has run over the states.
    const other = await compare(turns("Where?"));
    expect(other.stats.reusedTokens).toBe(edited.stats.reusedTokens);
  });

  test("after another conversation, a question goes on from the end of its own answer", async () => {
    const one = await compare(first);
    await compare([user("What else is there to be said about the sea and its ships?")]);
    const { stats } = await compare([...first, assistant(one.text), user("And who?")]);
    expect(stats.reusedTokens).toBeGreaterThan(20);
  });

  test("from disk, a question goes on from the end of the answer before it", async () => {
    const one = await ask(fovea, first);
    await fovea.saveConversation("saved points");
    const turns = [...first, assistant(one.text), user("And where?")];
    const { text } = await compare(turns);
    await fresh.inspect({ inputIds: [1] });
    expect((await fresh.restoreConversation("saved points")).tokens).toBeGreaterThan(20);
    const back = await ask(fresh, turns);
    expect(back.stats.reusedTokens).toBeGreaterThan(20);
    expect(back.text).toBe(text);
    await deleteStoredConversation("saved points");
  });

  test("an edited first turn runs anew", async () => {
    await compare(first);
    expect((await compare([user("Tell me about rivers and boats.")])).stats.reusedTokens).toBe(0);
  });

  test("what ran ahead of a stop is undone", async () => {
    const whole = (await compare(first, { maxTokens: 12 })).text;
    const stop = [whole.slice(4, 7)];
    const cut = await compare(first, { maxTokens: 12, stop });
    expect(cut.text.length).toBeLessThan(whole.length);
    await compare([...first, assistant(cut.text), user("Go on.")]);
  });

  test("an abort in the middle leaves an engine that answers as before", async () => {
    const expected = (await compare(first)).text;
    for (const tokens of [0, 3]) {
      const aborting = new AbortController();
      let seen = 0;
      const answer = fovea.generate({
        messages: [user("Another long question about it.")],
        ...options,
        signal: aborting.signal,
      });
      for await (const event of answer)
        if ((event.type === "prefill" && tokens === 0) || (event.type === "text" && ++seen >= tokens)) aborting.abort();
      expect((await ask(fovea, first)).text).toBe(expected);
    }
  });

  test("prompts are cut after the ends of turns", async () => {
    const prefill = vi.spyOn(Sequence.prototype, "prefill");
    await ask(fovea, first);
    const [prompt, given] = prefill.mock.calls.at(-1)!;
    const saveAt = given!.saveAt!;
    expect(saveAt.length).toBeGreaterThan(0);
    for (const row of saveAt) expect(prompt.ids[row - 1]).toBe(302);
  });
});
