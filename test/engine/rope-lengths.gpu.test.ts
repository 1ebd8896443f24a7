/** Models whose RoPE depends on the length of the sequence: later turns, and answers that pass the trained length. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GenerateRequest, Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { chatFiles, FIRST_BYTE } from "../support/chat-files.ts";
import { having } from "../support/descriptions.ts";
import { useDevice } from "../support/gpu.ts";

const user = (content: string): Message => ({ role: "user", content });

describe("RoPE by length", () => {
  const { device } = useDevice();

  /** The chat checkpoint with fields of its decoder changed. */
  async function load(changes: Record<string, unknown>): Promise<Fovea> {
    const files = await chatFiles();
    const config = JSON.parse(new TextDecoder().decode(files["config.json"] as Uint8Array));
    config.text_config = having(config.text_config, changes);
    const changed = new TextEncoder().encode(JSON.stringify(config));
    return Fovea.load({ ...files, "config.json": changed }, { device: device(), maxContext: 400 });
  }

  test("dynamic: later turns are answered as by an engine that kept nothing", async () => {
    // The first question is shorter than the trained length, its answer passes it, and later turns are longer.
    const changes = { max_position_embeddings: 190, rope_scaling: { type: "dynamic", factor: 8 } };
    const engine = await load(changes);
    const ask = async (messages: Message[]) => {
      const text = await engine.generate({ messages, maxTokens: 40 }).text();
      const fresh = await load(changes);
      expect(text).toBe(await fresh.generate({ messages, maxTokens: 40 }).text());
      fresh.dispose();
      return text;
    };
    const turns = [user("What is this?")];
    for (const question of ["And why?", "And where was it?"])
      turns.push({ role: "assistant", content: await ask(turns) }, user(question));
    await ask(turns);
    await ask([user("What was that?")]);
    engine.dispose();
  });

  describe("longrope", () => {
    const STEPS = 30;
    /** Prompts are shorter, and with their answers longer. */
    const LENGTH = 250;
    let engine: Fovea;
    beforeAll(async () => {
      const factors = (scale: number) => Array.from({ length: 8 }, (_, pair) => 1 + scale * pair);
      const rope_scaling = { type: "longrope", short_factor: factors(0.1), long_factor: factors(2) };
      engine = await load({ original_max_position_embeddings: LENGTH, rope_scaling });
    });
    afterAll(() => engine.dispose());

    /** Text without what stands for bytes that are no UTF-8: decoders write it once or several times. */
    const readable = (text: string) => text.replaceAll("\ufffd", "");

    /** The tokens of a greedy answer, which inspect and generate must agree on. */
    async function answer(asked: Pick<GenerateRequest, "messages" | "inhibition">) {
      const request = { ...asked, compression: { method: "none" } } as const;
      const { prompt, greedy } = await engine.inspect({ ...request, greedySteps: STEPS });
      const text = await engine.generate({ ...request, maxTokens: STEPS }).text();
      const decoded = new TextDecoder().decode(Uint8Array.from(greedy, (id) => id - FIRST_BYTE));
      expect(readable(decoded).length).toBeGreaterThan(STEPS / 4);
      // An answer begins without the space of its first token.
      expect(readable(text)).toBe(readable(decoded.replace(/^ /, "")));
      const border = LENGTH - prompt.ids.length;
      expect(border).toBeGreaterThan(3);
      expect(border).toBeLessThan(STEPS - 3);
      return { ids: [...prompt.ids], greedy, border };
    }

    test("an answer that passes the length goes on as if all rows had been there at once", async () => {
      const question = user("What is this, why is it here, and where was it before?");
      const { ids, greedy, border } = await answer({ messages: [question] });
      const next = async (steps: number) => {
        const inputIds = [...ids, ...greedy.slice(0, steps)];
        return (await engine.inspect({ inputIds, greedySteps: 1 })).greedy[0];
      };
      for (const steps of [1, border - 1, border, border + 1, border + 2, STEPS - 1])
        expect(await next(steps), `${steps} steps`).toBe(greedy[steps]);
    });

    test("with a picture under inhibition", async () => {
      const image = new ImageData(30, 20);
      for (let i = 0; i < image.data.length; i++) image.data[i] = (i * 7) % 251;
      const messages: Message[] = [{ role: "user", content: [{ type: "image", image }] }];
      await answer({ messages, inhibition: { maxRatio: 0.6 } });
    });
  });
});
