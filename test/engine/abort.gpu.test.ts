/**
 * An answer that is stopped, in every phase and in every way: it ends with a `done` event of reason "abort" whose
 * statistics are filled in, no more work reaches the GPU, and the next answer is as if nothing had happened. Pictures
 * are in abort-pictures, loading in abort-load.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fovea, type GenerationEvent, type GenerationStats } from "../../src/index.ts";
import {
  type CountedDevice,
  changed,
  countedDevice,
  expectAnswers,
  expectRefusal,
  type Files,
  json,
  onWork,
  question,
} from "../support/engine.ts";
import { languageFiles } from "../support/random-models.ts";

/** Rows of this model's prompt that go through at once; see engine.ts. */
const CHUNK_ROWS = 128;
const LONG_QUESTION = {
  messages: [{ role: "user" as const, content: "Once upon a time. ".repeat(150) }],
  maxTokens: 4,
};

describe("an aborted answer", () => {
  let counted: CountedDevice;
  let small: Files;
  let fovea: Fovea;
  let gpuBytes: number;

  beforeAll(async () => {
    counted = await countedDevice();
    small = languageFiles();
    // Longer than what the model was trained on: its text is worth nothing there, its work is what counts.
    const config = { ...json(small, "config.json"), max_position_embeddings: 2048 };
    fovea = await Fovea.load(changed(small, { "config.json": config }), {
      device: counted.device,
      maxContext: 1500,
      keptBytes: 0,
    });
    await expectAnswers(fovea);
    gpuBytes = fovea.memory.gpuBytes;
  }, 180_000);
  afterAll(() => {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
    expect(counted.live()).toEqual([]);
    counted.release();
  });

  /** Aborts as the n-th piece of work of this label is begun; `begun` counts on. */
  function abortAt(controller: AbortController, label: string, nth: number) {
    const work = { begun: 0, stop: () => {} };
    work.stop = onWork(counted.device, (seen) => {
      if (seen === label && ++work.begun === nth) controller.abort();
    });
    return work;
  }

  /** Reads an answer to its end; the last event must be that of an abort. */
  async function readAborted(
    generation: AsyncIterable<GenerationEvent>,
  ): Promise<{ types: string[]; stats: GenerationStats }> {
    const events: GenerationEvent[] = [];
    for await (const event of generation) events.push(event);
    const last = events.at(-1);
    if (last?.type !== "done") return expect.fail(`the last event is ${last?.type}`);
    expect(last.reason).toBe("abort");
    const { pictures, reuse: _, ...numbers } = last.stats;
    expect(pictures).toEqual([]);
    for (const value of Object.values(numbers)) expect(value).toBeGreaterThanOrEqual(0);
    expect(last.stats.totalMs).toBeGreaterThan(0);
    expect(last.stats.gpuBytes).toBeGreaterThan(0);
    return { types: events.map(({ type }) => type), stats: last.stats };
  }

  async function expectAsBefore(): Promise<void> {
    expect(fovea.memory.gpuBytes).toBe(gpuBytes);
    await expectAnswers(fovea);
    expect(fovea.memory.gpuBytes).toBe(gpuBytes);
  }

  test("before it began", async () => {
    const controller = new AbortController();
    const work = abortAt(controller, "prefill", 1);
    controller.abort();
    const generation = fovea.generate({ ...question, signal: controller.signal });
    const { types, stats } = await readAborted(generation);
    work.stop();
    expect(types).toEqual(["done"]);
    expect(stats).toMatchObject({ promptTokens: 0, newTokens: 0, prefillMs: 0, tokensPerSecond: 0 });
    expect(generation.stats).toEqual(stats);
    expect(work.begun).toBe(0);
    await expectRefusal(() => generation.text(), "aborted", /the answer was aborted after 0 tokens/);
    await expectAsBefore();
  });

  test("while it waits for an earlier one, which goes on", async () => {
    const controller = new AbortController();
    const earlier = fovea.generate(question);
    const generation = fovea.generate({ ...question, signal: controller.signal });
    setTimeout(() => controller.abort(), 1);
    const { types } = await readAborted(generation);
    expect(types).toEqual(["done"]);
    expect(earlier.stats, "the earlier answer ran while the later one was aborted").toBe(undefined);
    const later = fovea.generate(question);
    const expected = await earlier.text();
    expect(earlier.stats!.newTokens).toBe(8);
    expect(await later.text()).toBe(expected);
    await expectAsBefore();
  });

  test("between the chunks of its prompt", async () => {
    const controller = new AbortController();
    const work = abortAt(controller, "prefill", 1);
    const generation = fovea.generate({ ...LONG_QUESTION, signal: controller.signal });
    const { types, stats } = await readAborted(generation);
    work.stop();
    expect(types).toEqual(["done"]);
    expect(stats.promptTokens).toBeGreaterThan(CHUNK_ROWS);
    expect(stats.newTokens).toBe(0);
    expect(work.begun, "chunks of the prompt").toBe(1);
    await expectRefusal(() => generation.text(), "aborted", /after 0 tokens/);
    await expectAsBefore();
  });

  test("after its first words", async () => {
    const controller = new AbortController();
    const generation = fovea.generate({ ...question, maxTokens: 200, signal: controller.signal });
    const read = async function* () {
      for await (const event of generation) {
        if (event.type === "text") controller.abort();
        yield event;
      }
    };
    const { types, stats } = await readAborted(read());
    expect(types.slice(0, 2)).toEqual(["prefill", "text"]);
    expect(stats.promptTokens).toBe(5);
    expect(stats.newTokens).toBeGreaterThan(0);
    expect(stats.newTokens).toBeLessThan(10);
    expect(stats.timeToFirstTokenMs).toBeGreaterThan(0);
    await expectRefusal(() => generation.text(), "aborted", /the answer was aborted after \d tokens/);
    await expectAsBefore();
  });

  test("by leaving the loop over its events", async () => {
    let steps = 0;
    const stop = onWork(counted.device, (label) => {
      if (label === "decode") steps++;
    });
    const generation = fovea.generate({ ...question, maxTokens: 200 });
    for await (const { type } of generation) if (type === "text") break;
    const stepsAtBreak = steps;
    await expectRefusal(() => generation.text(), "aborted", /the answer was aborted after \d tokens/);
    expect(generation.stats!.newTokens).toBeLessThan(10);
    // Those that were under way may have been followed by one more.
    expect(steps).toBeLessThanOrEqual(stepsAtBreak + 1);
    stop();
    await expectAsBefore();
  });

  test("when nobody reads it", async () => {
    const controller = new AbortController();
    const work = abortAt(controller, "decode", 3);
    const generation = fovea.generate({ ...question, maxTokens: 200, signal: controller.signal });
    // The lock is free again without anyone having asked for an event.
    await expectAnswers(fovea);
    work.stop();
    expect(generation.stats!.newTokens).toBeLessThan(10);
    await expectAsBefore();
  });

  test("a signal that fires after the end changes nothing", async () => {
    const controller = new AbortController();
    const generation = fovea.generate({ ...question, signal: controller.signal });
    const text = await generation.text();
    controller.abort();
    expect(await generation.text()).toBe(text);
    const reasons = [];
    for await (const event of generation) if (event.type === "done") reasons.push(event.reason);
    expect(reasons).toEqual(["length"]);
  });

  test("dispose while one answer runs and another waits", async () => {
    const other = await Fovea.load(small, { device: counted.device, maxContext: 64 });
    const running = other.generate({ ...question, maxTokens: 50 });
    const waiting = other.generate(question);
    const inspection = other.inspect({ inputIds: [1] });
    inspection.catch(() => {});
    const read = async () => {
      for await (const { type } of running) if (type === "text") other.dispose();
    };
    const says = /this engine was disposed; load the model again/;
    await expectRefusal(read, "disposed", says);
    await expectRefusal(() => running.text(), "disposed", says);
    await expectRefusal(() => waiting.text(), "disposed", says);
    await expectRefusal(() => inspection, "disposed", says);
    expect(other.memory.gpuBytes).toBe(0);
    await expectAsBefore();
  });

  test("dispose during the prompt, and during inspect", async () => {
    for (const begin of [
      (engine: Fovea) => engine.generate(question).text(),
      (engine: Fovea) => engine.inspect({ inputIds: [1, 2, 3], greedySteps: 5 }),
    ]) {
      const other = await Fovea.load(small, { device: counted.device, maxContext: 64 });
      const stop = onWork(counted.device, (label) => {
        if (label === "prefill") setTimeout(() => other.dispose());
      });
      await expectRefusal(() => begin(other), "disposed", /this engine was disposed/);
      stop();
      expect(other.memory.gpuBytes).toBe(0);
    }
    await expectAsBefore();
  });
});
