/**
 * A model with pictures and recurrent states: several pictures and turns under compression and inhibition, a device that is
 * lost while it decodes, and an abort.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { GenerateRequest, GenerationEvent, Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { followDevices, loseAt, type OwnDevices } from "../support/lost-devices.ts";
import { sharedUrl } from "../support/shared.ts";

const PATIENCE_MS = 900_000;
const MODEL = "golden/families/qwen3_5-bf16/model";

function picture(width: number, height: number, step: number): ImageData {
  const image = new ImageData(width, height);
  for (const i of image.data.keys()) image.data[i] = i % 4 === 3 ? 255 : (i * step) % 251;
  return image;
}

const user = (text: string, ...images: ImageData[]): Message => ({
  role: "user",
  content: [...images.map((image) => ({ type: "image", image }) as const), { type: "text", text } as const],
});
const first = user("What is the difference between these two?", picture(70, 40, 3), picture(30, 60, 7));

describe("pictures before recurrent states", () => {
  let own: OwnDevices;
  let fovea: Fovea;
  let fresh: Fovea;
  beforeAll(async () => {
    own = followDevices();
    const settings = { weights: "f32", precision: "f32", maxContext: 400 } as const;
    // Another question makes it forget the one before.
    fresh = await Fovea.load(sharedUrl(MODEL), { ...settings, keptBytes: 0 });
    fovea = await Fovea.load(sharedUrl(MODEL), settings);
  }, PATIENCE_MS);
  afterAll(() => {
    for (const engine of [fovea, fresh]) {
      engine?.dispose();
      expect(engine?.memory.gpuBytes).toBe(0);
    }
    vi.restoreAllMocks();
  });

  async function ask(engine: Fovea, messages: Message[], more: Partial<GenerateRequest> = {}) {
    const answer = engine.generate({ messages, maxTokens: 10, temperature: 0, ...more });
    const events: GenerationEvent[] = [];
    for await (const event of answer) events.push(event);
    return {
      events,
      text: events.map((event) => (event.type === "text" ? event.text : "")).join(""),
      stats: answer.stats!,
    };
  }

  const SETTINGS: [string, Partial<GenerateRequest>][] = [
    ["whole", {}],
    ["inhibited", { inhibition: { maxRatio: 0.6 } }],
    ["half of the tokens, inhibited", { compression: { method: "vmtc", ratio: 0.5 }, inhibition: { maxRatio: 0.6 } }],
    ["original positions", { compression: { method: "vmtc", ratio: 0.5, positions: "original" } }],
  ];

  test.for(SETTINGS)("%s: a second turn continues after the pictures", async ([, setting]) => {
    const { text, stats } = await ask(fovea, [first], setting);
    expect(stats.reuse).toBe("saved points");
    expect(stats.pictures.length).toBe(2);
    const halved = setting.compression !== undefined;
    for (const { tokensBefore, tokensAfter } of stats.pictures)
      expect(tokensAfter).toBe(halved ? Math.max(1, Math.floor(tokensBefore / 2)) : tokensBefore);
    const turns: Message[] = [first, { role: "assistant", content: text }, user("And this one?", picture(50, 50, 5))];
    const second = await ask(fovea, turns, setting);
    expect(second.stats.reusedTokens).toBeGreaterThan(stats.imageTokensAfter);
    await ask(fresh, [user("Something else.")]);
    const anew = await ask(fresh, turns, setting);
    expect(anew.stats.reusedTokens).toBe(0);
    expect(second.text).toBe(anew.text);
    // The last turn once more, in other words and without its picture.
    const edited: Message[] = [...turns.slice(0, -1), user("Which one is older?")];
    const third = await ask(fovea, edited, setting);
    expect(third.stats.reusedTokens).toBeGreaterThan(stats.imageTokensAfter);
    await ask(fresh, [user("Something else.")]);
    expect(third.text).toBe((await ask(fresh, edited, setting)).text);
  });

  test(
    "a device that is lost while it decodes",
    async () => {
      const setting = { inhibition: { maxRatio: 0.6 } };
      await ask(fresh, [user("Something else.")]);
      const expected = await ask(fresh, [first], setting);
      loseAt(own.devices.at(-1)!.device, "decode", 6);
      const told = await ask(fovea, [first], setting);
      expect(told.events.filter(({ type }) => type === "recovering").length).toBe(1);
      expect(told.text).toBe(expected.text);
      const turns: Message[] = [first, { role: "assistant", content: told.text }, user("And then?")];
      const next = await ask(fovea, turns, setting);
      expect(next.stats.reusedTokens).toBeGreaterThan(0);
      await ask(fresh, [user("Something else.")]);
      expect(next.text).toBe((await ask(fresh, turns, setting)).text);
    },
    PATIENCE_MS,
  );

  test("an abort in prefill and one in the answer leave an engine that answers as before", async () => {
    await ask(fresh, [user("Something else.")]);
    const expected = (await ask(fresh, [first])).text;
    for (const type of ["image", "prefill", "text"] as const) {
      const aborting = new AbortController();
      const answer = fovea.generate({
        messages: [user("Another?", picture(40, 40, 9))],
        maxTokens: 20,
        signal: aborting.signal,
      });
      for await (const event of answer) if (event.type === type) aborting.abort();
      expect((await ask(fovea, [first])).text).toBe(expected);
    }
  });
});
