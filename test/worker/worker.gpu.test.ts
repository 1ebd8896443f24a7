/** A language model in a worker answers as one in the page does, and is stopped as one. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GenerationEvent, LoadProgress } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { deleteStoredConversation } from "../../src/weights/storage.ts";
import { createFovea, type RemoteFovea } from "../../src/worker/client.ts";
import { expectRefusal, question } from "../support/engine.ts";
import { expectAnswer, languageFiles } from "../support/random-models.ts";
import { sharedDevice } from "../support/shared-devices.ts";

describe("a language model in a worker", () => {
  let remote: RemoteFovea;
  let here: Fovea;
  const progress: LoadProgress[] = [];
  beforeAll(async () => {
    const files = languageFiles();
    remote = await createFovea(files, { maxContext: 300, onProgress: (one) => progress.push(one) });
    here = await Fovea.load(files, { maxContext: 300, device: await sharedDevice("raised") });
    // The caller's bytes are the caller's still.
    expect(files["model.safetensors"]!.byteLength).toBeGreaterThan(0);
  }, 600_000);
  afterAll(() => {
    remote.dispose();
    here.dispose();
    expect(remote.memory.gpuBytes).toBe(0);
  });

  const ask = async (maxTokens: number, signal: AbortSignal, onEvent: (event: GenerationEvent) => void) => {
    const events: GenerationEvent[] = [];
    for await (const event of remote.generate({ ...question, maxTokens, signal })) {
      events.push(event);
      onEvent(event);
    }
    return events;
  };

  test("saves its conversation, and another engine goes on from it", async () => {
    const text = await remote.generate({ ...question, maxTokens: 4 }).text();
    const stored = await remote.saveConversation("in a worker");
    expect(stored!.tokens).toBeGreaterThan(4);
    expect(await here.restoreConversation("in a worker")).toEqual({ tokens: stored!.tokens });
    const again = here.generate({ ...question, maxTokens: 4 });
    expect(await again.text()).toBe(text);
    expect(again.stats!.reusedTokens).toBe(again.stats!.promptTokens - 1);
    expect(await remote.restoreConversation("in a worker")).toEqual({ tokens: stored!.tokens });
    await deleteStoredConversation("in a worker");
  });

  test("is described, loaded and counted the same", () => {
    expect(remote.info).toEqual(here.info);
    expect(remote.memory.gpuBytes).toBe(here.memory.gpuBytes);
    expect(progress[0]!.stage).toBe("config");
    expect(progress.at(-1)!.stage).toBe("ready");
  });

  test("answers and is inspected the same", async () => {
    expectAnswer(await remote.generate(question).text());
    expect(await remote.countTokens(question.messages)).toEqual(await here.countTokens(question.messages));
    const request = { inputIds: [1, 303, 407], greedySteps: 3 };
    expect(await remote.inspect(request)).toEqual(await here.inspect(request));
    await expectRefusal(() => remote.inspect({ inputIds: [-1] }), RangeError, /-1/);
    await expectRefusal(() => remote.encodeImage(new ImageData(2, 2)), "unsupported-model", /reads text only/);
  });

  test.for([
    ["before it begins", undefined, 0],
    ["in prefill", "at once", 1],
    ["while decoding", "text", 240],
  ] as const)("an abort %s", async ([, when, most]) => {
    const controller = new AbortController();
    if (!when) controller.abort();
    const running = ask(250, controller.signal, ({ type }) => type === when && controller.abort());
    if (when === "at once") setTimeout(() => controller.abort(), 0);
    const done = (await running).at(-1)!;
    if (done.type !== "done") throw new Error("an answer without an end");
    expect(done.reason).toBe("abort");
    expect(done.stats.newTokens).toBeLessThanOrEqual(most);
    expectAnswer(await remote.generate(question).text());
  });

  test("a load that is aborted ends at once", async () => {
    const controller = new AbortController();
    const onProgress = ({ stage }: LoadProgress) => stage === "weights" && controller.abort();
    const load = createFovea(languageFiles(), { signal: controller.signal, onProgress });
    await expectRefusal(() => load, "aborted", /aborted during loading/);
  });
});
