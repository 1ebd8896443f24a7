/** Keys and values in f16: half of the memory, nearly the same logits, and the same answers after reuse as from scratch. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LoadOptions, Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { planModel } from "../../src/engine/plan-model.ts";
import { deleteStoredConversation } from "../../src/weights/storage.ts";
import { nmse } from "../support/compare.ts";
import { loadFamily, requestOf, sourceOf } from "../support/golden-family.ts";
import { useDevice } from "../support/gpu.ts";
import { NMSE_HALF_CACHE } from "../support/tolerances.ts";

const NAME = "test: keys and values";

// Windows in the encoder and three axes; a sliding window; turned quarters of heads, and layers with a recurrent state.
describe.for(["qwen2_5_vl-windows-bf16", "text-mistral", "qwen3_5-bf16"])("%s", (folder) => {
  const { device } = useDevice();
  const load = async (keyValues: "f32" | "f16", more: LoadOptions = {}) => {
    const settings = { weights: "f32", precision: "f32", keyValues, device: device(), ...more } as const;
    return Fovea.load(await sourceOf(folder), settings);
  };
  let [full, half]: Fovea[] = [];
  beforeAll(async () => {
    [full, half] = [await load("f32"), await load("f16")];
  });
  afterAll(async () => {
    await deleteStoredConversation(NAME);
    for (const engine of [full, half]) engine!.dispose();
  });

  test("logits are those of f32 but for rounding, also with inhibition", async () => {
    expect([full!.info.keyValues, half!.info.keyValues]).toEqual(["f32", "f16"]);
    const { prompts } = await loadFamily(folder);
    for (const prompt of prompts.slice(0, 2))
      for (const inhibition of [{ maxRatio: 0 }, { maxRatio: 0.6 }]) {
        const request = { ...(await requestOf(prompt)), inhibition };
        const [expected, found] = [await full!.inspect(request), await half!.inspect(request)];
        const error = nmse(found.logits!.data, expected.logits!.data);
        expect(error, prompt.name).toBeGreaterThan(0);
        expect(error, prompt.name).toBeLessThan(NMSE_HALF_CACHE);
      }
  });

  test("planned as allocated: keys and values take half", async () => {
    const source = await sourceOf(folder);
    const cacheBytes = async (keyValues: "f32" | "f16") => {
      const { gpu } = await planModel(source, { weights: "f32", keyValues, device: device() });
      return gpu;
    };
    const [wide, narrow] = [await cacheBytes("f32"), await cacheBytes("f16")];
    expect(half!.memory.gpuBytes - full!.memory.gpuBytes).toBe(narrow.totalBytes - wide.totalBytes);
    // States of recurrent layers stay f32.
    if (folder === "qwen3_5-bf16") expect(narrow.cacheBytes).toBeLessThan(wide.cacheBytes);
    else expect(narrow.cacheBytes).toBe(wide.cacheBytes / 2);
  });
});

describe("answers", () => {
  const { device } = useDevice();
  const load = (more: LoadOptions = {}) =>
    sourceOf("qwen2_5_vl-windows-bf16").then((source) =>
      Fovea.load(source, { weights: "f32", precision: "f32", keyValues: "f16", device: device(), ...more }),
    );

  test("after reuse, after a reload and from scratch are the same", async () => {
    const [engine, fresh, other] = [await load(), await load({ keptBytes: 0 }), await load({ keyValues: "f32" })];
    try {
      const canvas = new OffscreenCanvas(40, 30);
      canvas.getContext("2d")!.fillRect(5, 5, 20, 9);
      const image = await canvas.convertToBlob();
      const turns: Message[] = [
        {
          role: "user",
          content: [
            { type: "image", image },
            { type: "text", text: "What is it?" },
          ],
        },
      ];
      const options = { maxTokens: 8, temperature: 0, inhibition: { maxRatio: 0.6 } } as const;
      const first = await engine.generate({ messages: turns, ...options }).text();
      turns.push({ role: "assistant", content: first }, { role: "user", content: "And why?" });
      expect(await engine.saveConversation(NAME)).toBeTruthy();
      const second = await engine.generate({ messages: turns, ...options }).text();
      expect(await fresh.generate({ messages: turns, ...options }).text()).toBe(second);
      await fresh.inspect({ inputIds: [1, 2, 3] });
      expect((await fresh.restoreConversation(NAME)).tokens).toBeGreaterThan(0);
      expect(await fresh.generate({ messages: turns, ...options }).text()).toBe(second);
      expect((await other.restoreConversation(NAME)).problem).toMatch(/another model, arithmetic/);
    } finally {
      for (const one of [engine, fresh, other]) one.dispose();
      await deleteStoredConversation(NAME);
    }
  });
});
