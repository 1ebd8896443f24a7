/** Requests made together are served one after another in their order, whatever becomes of the others. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fovea } from "../../src/index.ts";
import { type CountedDevice, countedDevice, expectRefusal, question } from "../support/engine.ts";
import { expectAnswer, languageFiles } from "../support/random-models.ts";

describe("requests at the same time", () => {
  let counted: CountedDevice;
  let fovea: Fovea;

  beforeAll(async () => {
    counted = await countedDevice();
    fovea = await Fovea.load(languageFiles(), { device: counted.device, maxContext: 64 });
  }, 180_000);
  afterAll(() => {
    fovea.dispose();
    expect(counted.live()).toEqual([]);
    counted.release();
  });

  test("two questions: both answers are right, and the first is done before the second begins", async () => {
    const log: string[] = [];
    const follow = async (name: string, maxTokens: number) => {
      let text = "";
      for await (const event of fovea.generate({ ...question, maxTokens })) {
        log.push(`${name} ${event.type}`);
        if (event.type === "text") text += event.text;
      }
      return text;
    };
    const [first, second] = await Promise.all([follow("first", 8), follow("second", 10)]);
    expectAnswer(first);
    expectAnswer(second);
    expect(second.length).toBeGreaterThan(first.length);
    expect(log.indexOf("first done")).toBeGreaterThan(0);
    expect(log.indexOf("second prefill")).toBeGreaterThan(log.indexOf("first done"));
    // Streamed, not handed over at the end.
    expect(log.filter((entry) => entry === "first text").length).toBeGreaterThan(3);
  });

  test("requests of all kinds are served in the order in which they were made", async () => {
    const order: string[] = [];
    const note = <T>(name: string, promise: Promise<T>) => promise.finally(() => order.push(name));
    const results = await Promise.allSettled([
      note("generate", fovea.generate(question).text()),
      note("inspect", fovea.inspect({ inputIds: [1], greedySteps: 2 })),
      note("encodeImage", fovea.encodeImage(new ImageData(2, 2))),
      note("generate again", fovea.generate(question).text()),
    ]);
    expect(order).toEqual(["generate", "inspect", "encodeImage", "generate again"]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  });

  test("a failure does not touch its neighbours", async () => {
    const before = fovea.generate(question);
    const tooLong = fovea.generate({ messages: [{ role: "user", content: "Once upon a time ".repeat(40) }] });
    const between = fovea.generate(question);
    const wrong = fovea.generate({ messages: [] });
    const after = fovea.generate(question);
    await expectRefusal(() => tooLong.text(), "context-full", /the context holds 64/);
    await expectRefusal(() => wrong.text(), RangeError, /at least one message/);
    for (const generation of [before, between, after]) expectAnswer(await generation.text());
  });

  test("an answer can be read more than once, and late", async () => {
    const generation = fovea.generate(question);
    expectAnswer(await generation.text());
    const types: string[] = [];
    for await (const { type } of generation) types.push(type);
    expect([types[0], types.at(-1)]).toEqual(["prefill", "done"]);
    expectAnswer(await generation.text());
  });

  test("two engines on one device do not mix", async () => {
    const other = await Fovea.load(languageFiles(), { device: counted.device, maxContext: 32 });
    const answers = await Promise.all([fovea.generate(question).text(), other.generate(question).text()]);
    other.dispose();
    for (const answer of answers) expectAnswer(answer);
    expect(other.memory.gpuBytes).toBe(0);
    expectAnswer(await fovea.generate(question).text());
  });
});
