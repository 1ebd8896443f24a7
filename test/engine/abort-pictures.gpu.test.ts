/** Aborts while a picture is fetched, prepared and encoded, alone and in a question; and of a conversation with pictures. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Fovea, type GenerationEvent, type Message } from "../../src/index.ts";
import { chatFiles } from "../support/chat-files.ts";
import { type CountedDevice, countedDevice, expectRefusal, onWork } from "../support/engine.ts";

const ADDRESS = "http://pictures.test/cat.jpg";

/** Another picture for each seed. */
function picture(seed: number): ImageData {
  const image = new ImageData(30, 20);
  for (let i = 0; i < image.data.length; i++) image.data[i] = (i * (seed + 3)) % 251;
  return image;
}

describe("an aborted picture", () => {
  let counted: CountedDevice;
  let fovea: Fovea;
  let goodAnswer: string;
  let goodFeatures: Float32Array;

  const ask = (image: ImageData | string, signal?: AbortSignal) => {
    const content = [
      { type: "image" as const, image },
      { type: "text" as const, text: "What?" },
    ];
    const messages: Message[] = [{ role: "user", content }];
    return fovea.generate({ messages, maxTokens: 4, ...(signal && { signal }) });
  };

  beforeAll(async () => {
    counted = await countedDevice();
    fovea = await Fovea.load(await chatFiles(), { device: counted.device, maxContext: 300 });
    goodAnswer = await ask(picture(0)).text();
    goodFeatures = (await fovea.encodeImage(picture(0))).features.data;
  }, 180_000);
  afterEach(async () => {
    vi.unstubAllGlobals();
    expect(await ask(picture(0)).text()).toBe(goodAnswer);
    expect((await fovea.encodeImage(picture(0))).features.data).toEqual(goodFeatures);
  });
  afterAll(() => {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
    expect(counted.live()).toEqual([]);
    counted.release();
  });

  /** Labels of what reaches the GPU while `run` runs; aborts at the first of `label`. */
  async function abortAt(label: string, run: (signal: AbortSignal) => Promise<unknown>): Promise<string[]> {
    const controller = new AbortController();
    const labels: string[] = [];
    const stop = onWork(counted.device, (seen) => {
      labels.push(seen);
      if (seen === label) controller.abort();
    });
    try {
      await run(controller.signal);
    } finally {
      stop();
    }
    return labels;
  }

  /** A picture's address whose server answers only an abort. */
  function stubFetch(controller: AbortController): AbortSignal[] {
    const signals: AbortSignal[] = [];
    vi.stubGlobal("fetch", (_: URL, { signal }: { signal: AbortSignal }) => {
      signals.push(signal);
      setTimeout(() => controller.abort(), 20);
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    return signals;
  }

  async function readAborted(generation: AsyncIterable<GenerationEvent>): Promise<string[]> {
    const events: GenerationEvent[] = [];
    for await (const event of generation) events.push(event);
    expect(events.at(-1)).toMatchObject({ type: "done", reason: "abort", stats: { newTokens: 0 } });
    return events.map(({ type }) => type);
  }

  const says = (stage: string) => new RegExp(`aborted during .*${stage}`);

  test("alone: before, while it waits, while it is fetched", async () => {
    const { gpuBytes } = fovea.memory;
    const aborted = AbortSignal.abort();
    await expectRefusal(() => fovea.encodeImage(picture(1), { signal: aborted }), "aborted", says("wait"));
    const controller = new AbortController();
    const earlier = ask(picture(0));
    setTimeout(() => controller.abort(), 1);
    const waiting = () => fovea.encodeImage(picture(1), { signal: controller.signal });
    await expectRefusal(waiting, "aborted", says("the wait for an earlier answer"));
    expect(earlier.stats).toBe(undefined);
    expect(await earlier.text()).toBe(goodAnswer);

    const fetching = new AbortController();
    const signals = stubFetch(fetching);
    const encode = () => fovea.encodeImage(ADDRESS, { signal: fetching.signal });
    await expectRefusal(encode, "aborted", says("download of http://pictures.test/cat.jpg"));
    expect(signals.map((signal) => signal.aborted)).toEqual([true]);
    expect(fovea.memory.gpuBytes).toBe(gpuBytes);
  });

  test.for(["resize columns", "vision"])("alone: as the GPU is given its %s", async (label) => {
    const { gpuBytes } = fovea.memory;
    await abortAt(label, (signal) =>
      expectRefusal(() => fovea.encodeImage(picture(2), { signal }), "aborted", says("encoding of a picture")),
    );
    expect(fovea.memory.gpuBytes).toBe(gpuBytes);
  });

  test("in a question: while it is fetched", async () => {
    const controller = new AbortController();
    stubFetch(controller);
    const generation = ask(ADDRESS, controller.signal);
    expect(await readAborted(generation)).toEqual(["done"]);
    expect(generation.stats).toMatchObject({ imageTokensBefore: 0, promptTokens: 0 });
    await expectRefusal(() => generation.text(), "aborted", /after 0 tokens/);
  });

  test.for(["resize columns", "vision"])("in a question: as the GPU is given its %s", async (label) => {
    const labels = await abortAt(label, async (signal) => {
      const generation = ask(picture(label.length), signal);
      expect((await readAborted(generation)).filter((type) => type !== "image")).toEqual(["done"]);
    });
    expect(labels).not.toContain("prefill");
  });

  test("in a question: during the prompt behind it", async () => {
    const labels = await abortAt("prefill", async (signal) => {
      const generation = ask(picture(30), signal);
      expect(await readAborted(generation)).toEqual(["image", "done"]);
      expect(generation.stats).toMatchObject({ imageTokensBefore: 64, imageTokensAfter: 32 });
    });
    expect(labels).not.toContain("decode");
    // What was aborted is not taken for the beginning of the same question.
    const first = await ask(picture(30)).text();
    expect(await ask(picture(30)).text()).toBe(first);
  });

  test("aborts do not add up", async () => {
    const abortOnce = () => abortAt("prefill", (signal) => readAborted(ask(picture(40), signal)));
    await abortOnce();
    const { gpuBytes } = fovea.memory;
    for (let round = 0; round < 2; round++) await abortOnce();
    expect(fovea.memory.gpuBytes).toBe(gpuBytes);
  });
});
