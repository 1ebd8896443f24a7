/** `compile: "background"`: loading does not wait for shaders, and what is asked meanwhile does. */
import { describe, expect, test } from "vitest";
import type { Generation, GenerationStats } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { chatFiles } from "../support/chat-files.ts";

const QUESTION = { messages: [{ role: "user" as const, content: "What?" }], maxTokens: 4 };

/** Lets no pipeline be ready before `release` is called. */
function holdPipelines() {
  const original = GPUDevice.prototype.createComputePipelineAsync;
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  GPUDevice.prototype.createComputePipelineAsync = async function (descriptor) {
    // What unpacks the weights is needed for loading itself.
    if (!String(descriptor.label).startsWith("weight-")) await held;
    return original.call(this, descriptor);
  };
  const restore = () => {
    GPUDevice.prototype.createComputePipelineAsync = original;
  };
  return { release, restore };
}

async function told(generation: Generation): Promise<{ types: string[]; text: string; stats: GenerationStats }> {
  const types: string[] = [];
  let text = "";
  for await (const event of generation) {
    types.push(event.type);
    if (event.type === "text") text += event.text;
  }
  return { types, text, stats: generation.stats! };
}

describe("compiling in the background", () => {
  test("a question waits for it, and may be taken back; a disposed engine does not wait", async () => {
    const pipelines = holdPipelines();
    try {
      const fovea = await Fovea.load(await chatFiles(), { compile: "background", maxContext: 400 });
      const impatient = new AbortController();
      const taken = fovea.generate({ ...QUESTION, signal: impatient.signal });
      setTimeout(() => impatient.abort(), 100);
      await expect(taken.text()).rejects.toMatchObject({ code: "aborted" });

      const disposed = await Fovea.load(await chatFiles(), { compile: "background", maxContext: 400 });
      const lost = disposed.generate(QUESTION).text();
      disposed.dispose();
      const waiting = told(fovea.generate(QUESTION));
      pipelines.release();
      await expect(lost).rejects.toMatchObject({ code: "disposed" });

      // The time is part of the first answer's, and named.
      const early = await waiting;
      expect(early.types[0]).toBe("compiling");
      expect(early.stats.compileMs).toBeGreaterThan(0);
      expect(early.stats.timeToFirstTokenMs).toBeGreaterThan(early.stats.compileMs);
      const later = await told(fovea.generate(QUESTION));
      expect(later.text).toBe(early.text);
      expect([later.types.includes("compiling"), later.stats.compileMs]).toEqual([false, 0]);
      fovea.dispose();
      expect([fovea.memory.gpuBytes, disposed.memory.gpuBytes]).toEqual([0, 0]);
    } finally {
      pipelines.restore();
    }
  });
});
