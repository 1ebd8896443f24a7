/** A real trained Llama: every greedy token of its reference, through the public interface. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fovea } from "../../src/engine/fovea.ts";
import { useDevice } from "../support/gpu.ts";
import { describeShared, needing, sharedUrl } from "../support/shared.ts";
import { storyReferences } from "../support/stories.ts";

describeShared(needing("real/stories260K", "stories260K"), () => {
  const { device } = useDevice();
  let fovea: Fovea;
  beforeAll(async () => {
    fovea = await Fovea.load(sharedUrl("real/stories260K"), { device: device() });
  });
  afterAll(() => fovea.dispose());

  test("every greedy id of the reference, and its first logits", async () => {
    for (const { prompt_ids: inputIds, ids, first_logits } of await storyReferences()) {
      const greedySteps = ids.length - inputIds.length;
      const { greedy, logits } = await fovea.inspect({ inputIds, greedySteps });
      expect([...inputIds, ...greedy]).toEqual(ids);
      for (const [i, logit] of first_logits.entries()) expect(logits.data[i]).toBeCloseTo(logit, 4);
    }
  });

  test("the text of the reference, streamed", async () => {
    for (const { prompt, prompt_ids: inputIds, ids, text } of await storyReferences()) {
      // The tokenizer is not asked for an empty prompt: a conversation has something to say.
      if (prompt === "") continue;
      const maxTokens = ids.length - inputIds.length;
      const events = [];
      const generation = fovea.generate({ messages: [{ role: "user", content: prompt }], maxTokens });
      for await (const event of generation) events.push(event);
      const streamed = events.flatMap((event) => (event.type === "text" ? [event.text] : []));
      expect(prompt + streamed.join("")).toBe(text);
      expect(streamed.length).toBeGreaterThan(maxTokens / 2);
      const done = events.at(-1)!;
      expect(done).toMatchObject({ type: "done", reason: "length", stats: { newTokens: maxTokens } });
      expect(generation.stats).toMatchObject({ promptTokens: inputIds.length, newTokens: maxTokens });
    }
  });

  test("sampling repeats with the seed and differs between seeds", async () => {
    const say = (seed: number) =>
      fovea.generate({ messages: [{ role: "user", content: "Once" }], maxTokens: 20, temperature: 1, seed }).text();
    const first = await say(1);
    expect(await say(1)).toBe(first);
    expect(await say(2)).not.toBe(first);
  });

  test("a full context ends the answer", async () => {
    const short = await Fovea.load(sharedUrl("real/stories260K"), { maxContext: 16, device: device() });
    const generation = short.generate({ messages: [{ role: "user", content: "Once upon a time" }] });
    await generation.text();
    // Five rows of the prompt; the last token needs none, as nothing comes after it.
    expect(generation.stats).toMatchObject({ promptTokens: 5, newTokens: 12 });
    short.dispose();
  });
});
