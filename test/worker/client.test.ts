/** Page and worker together, around a model that is made up: calls, errors, signals, events, and every kind of end. */
import { afterEach, describe, expect, test, vi } from "vitest";
import type { GenerateRequest, GenerationEvent, InspectRequest, LoadOptions } from "../../src/api.ts";
import { FoveaError } from "../../src/errors.ts";
import { kindOf } from "../../src/shared/arguments.ts";
import { createFovea } from "../../src/worker/client.ts";
import { type FakeModel, FakeWorker, fakeWorkers } from "../support/fake-worker.ts";

const INFO = { family: "llama", parameters: 7 };
const HELLO: GenerateRequest = { messages: [{ role: "user", content: "Hello" }] };
const DONE = { type: "done", reason: "stop", stats: { newTokens: 1 } } as unknown as GenerationEvent;

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** A model in a fake worker. */
async function open(model: FakeModel) {
  fakeWorkers(async () => ({ info: INFO, memory: { gpuBytes: 10, peakGpuBytes: 20 }, ...model }));
  const remote = await createFovea("https://example.org/model/");
  return { remote, worker: FakeWorker.all[0]! };
}

const ticks = (count = 5) => Promise.all(Array.from({ length: count }, () => new Promise(setImmediate)));

/** A request that ends only when its signal fires; and the signals that came. */
function endless() {
  const signals: AbortSignal[] = [];
  const wait = (signal: AbortSignal) => {
    signals.push(signal);
    return new Promise<never>((_, reject) => {
      const abort = () => reject(new FoveaError("aborted", "aborted during prefill"));
      if (signal.aborted) abort();
      signal.addEventListener("abort", abort);
    });
  };
  return { signals, wait };
}

describe("loading", () => {
  test("hands over what can be, and tells what comes of it", async () => {
    const seen: unknown[] = [];
    let options: LoadOptions = {};
    fakeWorkers((async (source: unknown, given: LoadOptions) => {
      seen.push(source);
      options = given;
      given.onProgress!({ stage: "config", loadedBytes: 0, totalBytes: 0 });
      given.onProgress!({ stage: "weights", loadedBytes: 1, totalBytes: 2 });
      // Too soon to be looked at.
      given.onProgress!({ stage: "weights", loadedBytes: 2, totalBytes: 2 });
      given.onProgress!({ stage: "ready", loadedBytes: 2, totalBytes: 2 });
      return { info: INFO, memory: { gpuBytes: 1, peakGpuBytes: 2 } };
    }) as never);
    const progress: string[] = [];
    const remote = await createFovea(new URL("https://example.org/model/"), {
      maxContext: 64,
      onProgress: ({ stage, loadedBytes }) => progress.push(`${stage} ${loadedBytes}`),
    });
    expect(seen).toEqual(["https://example.org/model/"]);
    expect(options).toMatchObject({ maxContext: 64 });
    expect(progress).toEqual(["config 0", "weights 1", "ready 2"]);
    expect(remote.info).toEqual(INFO);
    expect(remote.memory).toEqual({ gpuBytes: 1, peakGpuBytes: 2 });
  });

  test("tells what came last before a silence, and nothing when the load has ended", async () => {
    let end = () => {};
    fakeWorkers((async (_: unknown, { onProgress }: LoadOptions) => {
      for (const loadedBytes of [1, 2, 3]) onProgress!({ stage: "weights", loadedBytes, totalBytes: 5 });
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      for (const loadedBytes of [4, 5]) onProgress!({ stage: "ready", loadedBytes, totalBytes: 5 });
      return { info: INFO, memory: { gpuBytes: 1, peakGpuBytes: 2 } };
    }) as never);
    const progress: number[] = [];
    const load = createFovea("https://example.org/", { onProgress: ({ loadedBytes }) => progress.push(loadedBytes) });
    await vi.waitFor(() => expect(progress).toEqual([1, 3]));
    end();
    await load;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(progress).toEqual([1, 3, 4]);
  });

  test("shares files and takes none away", async () => {
    const loads: Record<string, Blob>[] = [];
    fakeWorkers((async (source: Record<string, Blob>) => {
      loads.push(source);
      return { info: INFO, memory: { gpuBytes: 1, peakGpuBytes: 2 } };
    }) as never);
    const whole = new Uint8Array([1, 2, 3, 4]);
    await createFovea({ a: whole.subarray(1, 3), b: whole.buffer, c: new Blob(["x"]) });
    const bytes = async (name: string) => [...new Uint8Array(await loads[0]![name]!.arrayBuffer())];
    expect([await bytes("a"), await bytes("b"), await bytes("c")]).toEqual([[2, 3], [1, 2, 3, 4], [120]]);
    expect(whole.length).toBe(4);
  });

  test.for([
    [{ device: {} }, /device cannot be sent to a worker/],
    [{ signal: {} }, /signal must be/],
    [{ onProgress: 1 }, /onProgress must be a function/],
    [{ onWait: "yes" }, /onWait must be a function/],
    [{ maxContext: () => 1 }, /cannot be sent to a worker/],
  ] as const)("refuses %o", async ([options, says]) => {
    fakeWorkers(async () => ({}));
    const load = createFovea("https://example.org/", options as never);
    await expect(load).rejects.toThrow(TypeError);
    await expect(load).rejects.toThrow(says);
    expect(FakeWorker.all.filter(({ isTerminated }) => !isTerminated)).toEqual([]);
  });

  test.for([
    new FoveaError("bad-weights", "a broken file"),
    new FoveaError("context-full", "too long", { overflow: { promptTokens: 90, contextLength: 80 } }),
    new TypeError("no address"),
    new RangeError("too long"),
    new Error("something else"),
  ])("passes on %o, and ends the worker", async (error) => {
    fakeWorkers(() => Promise.reject<never>(error));
    const thrown = await createFovea("https://example.org/").catch((reason) => reason);
    expect(thrown).toBeInstanceOf(error.constructor);
    expect(Object.getPrototypeOf(thrown)).toBe(Object.getPrototypeOf(error));
    const { message, code, overflow } = error as FoveaError;
    expect([thrown.message, thrown.code, thrown.overflow]).toEqual([message, code, overflow]);
    expect(FakeWorker.all[0]!.isTerminated).toBe(true);
  });

  test("an abort is thrown at once and reaches the worker, which may put its things away", async () => {
    const { signals, wait } = endless();
    fakeWorkers(((_: unknown, { signal }: LoadOptions) => wait(signal!)) as never);
    const controller = new AbortController();
    const load = createFovea("https://example.org/", { signal: controller.signal });
    await ticks();
    controller.abort("enough");
    await expect(load).rejects.toMatchObject({ code: "aborted", cause: "enough" });
    expect(FakeWorker.all[0]!.isTerminated).toBe(false);
    await vi.waitFor(() => expect(FakeWorker.all[0]!.isTerminated).toBe(true));
    expect(signals[0]!.aborted).toBe(true);
  });

  test("an error of onProgress ends the load", async () => {
    const { wait } = endless();
    fakeWorkers(((_: unknown, { signal, onProgress }: LoadOptions) => {
      onProgress!({ stage: "config", loadedBytes: 0, totalBytes: 0 });
      return wait(signal!);
    }) as never);
    const onProgress = () => {
      throw new Error("the page is gone");
    };
    await expect(createFovea("https://example.org/", { onProgress })).rejects.toThrow("the page is gone");
    expect(FakeWorker.all[0]!.isTerminated).toBe(true);
  });

  test("a script that cannot be had, and a worker that may not be made", async () => {
    fakeWorkers(() => new Promise<never>(() => {}));
    const load = createFovea("https://example.org/");
    FakeWorker.all[0]!.fail();
    await expect(load).rejects.toMatchObject({ code: "download-failed", message: expect.stringMatching(/worker-src/) });
    const refuse = function Worker() {
      throw new DOMException("not here", "SecurityError");
    };
    vi.stubGlobal("Worker", refuse);
    await expect(createFovea("https://example.org/")).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/SecurityError: not here\); use Fovea\.load/),
    });
  });
});

describe("requests", () => {
  async function* events(): AsyncGenerator<GenerationEvent> {
    yield { type: "prefill", tokens: 3, milliseconds: 1 };
    yield { type: "text", text: "Hi" };
    yield { type: "text", text: " there" };
    yield DONE;
  }

  test("an answer streams, and is read as any other", async () => {
    const { remote } = await open({ generate: events });
    const generation = remote.generate(HELLO);
    const types = [];
    for await (const { type } of generation) types.push(type);
    expect(types).toEqual(["prefill", "text", "text", "done"]);
    expect(await generation.text()).toBe("Hi there");
    expect(generation.stats).toEqual({ newTokens: 1 });
  });

  test("results are handed over with their numbers, and memory is told", async () => {
    const memory = { gpuBytes: 10, peakGpuBytes: 20 };
    const features = { data: Float32Array.of(1, 2), rows: 1, cols: 2 };
    const encodeImage = async () => {
      Object.assign(memory, { gpuBytes: 11, peakGpuBytes: 30 });
      return { features, stages: [], milliseconds: 1 };
    };
    fakeWorkers(async () => ({
      info: INFO,
      encodeImage,
      get memory() {
        return { ...memory };
      },
    }));
    const remote = await createFovea("https://example.org/");
    const encoded = await remote.encodeImage(new Blob(["x"]));
    expect(encoded.features).toEqual({ data: Float32Array.of(1, 2), rows: 1, cols: 2 });
    // Handed over, not copied.
    expect(features.data.length).toBe(0);
    expect(remote.memory).toEqual({ gpuBytes: 11, peakGpuBytes: 30 });
    remote.dispose();
    expect(remote.memory).toEqual({ gpuBytes: 0, peakGpuBytes: 30 });
  });

  test("pixels stay the caller's, and only what is meant is sent", async () => {
    const inspected: InspectRequest[] = [];
    const { remote } = await open({ inspect: async (request: InspectRequest) => inspected.push(request) });
    const memory = new Float32Array(100).fill(1);
    await remote.inspect({ inputIds: [1], pixelValues: [{ data: memory.subarray(0, 12), shape: [3, 2, 2] }] });
    expect(memory.length).toBe(100);
    const { data } = inspected[0]!.pixelValues![0]!;
    expect([data.length, data.buffer.byteLength]).toEqual([12, 48]);
  });

  test("take the conversation as it is at the call", async () => {
    const seen: unknown[] = [];
    const generate = (request: GenerateRequest) => {
      seen.push(request.messages);
      return events();
    };
    const { remote } = await open({ generate });
    const messages: GenerateRequest["messages"] = [{ role: "user", content: "Hello" }];
    const answer = remote.generate({ messages });
    messages[0]!.content = "Bye";
    messages.push({ role: "assistant", content: "" });
    await answer.text();
    expect(seen).toEqual([HELLO.messages]);
  });

  test("wrong arguments are refused where they are, or by the engine", async () => {
    const generate = () => events();
    const { remote } = await open({ generate });
    await expect(remote.generate(undefined as never).text()).rejects.toThrow(/request must be an object/);
    await expect(remote.generate({ ...HELLO, signal: 1 as never }).text()).rejects.toThrow(/signal must be/);
    await expect(remote.generate({ ...HELLO, stop: (() => {}) as never }).text()).rejects.toThrow(TypeError);
    await expect(remote.inspect([] as never)).rejects.toThrow(/request must be an object/);
    // Later requests are served as if nothing had been.
    expect(await remote.generate(HELLO).text()).toBe("Hi there");
    for (const messages of [null, "Hello", [null], [{ role: "user", content: [null, 3] }]])
      await expect(remote.generate({ messages: messages as never }).text()).resolves.toBe("Hi there");
  });

  test("are served in their order, one at a time, also by a signal in between", async () => {
    const log: string[] = [];
    const encodeImage = async (image: Blob, { signal }: { signal: AbortSignal }) => {
      log.push(`begin ${image.size}`);
      await ticks(3);
      if (signal.aborted) throw new FoveaError("aborted", "aborted during vision");
      log.push(`end ${image.size}`);
    };
    const { remote } = await open({ encodeImage });
    const controller = new AbortController();
    const one = remote.encodeImage(new Blob(["1"]));
    const two = remote.encodeImage(new Blob(["22"]), { signal: controller.signal });
    const three = remote.encodeImage(new Blob(["333"]));
    const refused = expect(two).rejects.toMatchObject({ code: "aborted" });
    controller.abort();
    await Promise.all([one, three, refused]);
    expect(log.filter((line) => !line.endsWith("2"))).toEqual(["begin 1", "end 1", "begin 3", "end 3"]);
    expect(log).not.toContain("end 2");
  });

  test("a picture that takes its time is not overtaken, not even past one that cannot be sent", async () => {
    const sizes: unknown[] = [];
    const { remote } = await open({ encodeImage: async (image: Blob | ArrayBuffer) => sizes.push(kindOf(image)) });
    let decode = (_: unknown) => {};
    vi.stubGlobal("createImageBitmap", () => new Promise((resolve) => (decode = resolve)));
    const tagged = (tag: string, fields: object) => ({ [Symbol.toStringTag]: tag, ...fields }) as never;
    const slow = remote.encodeImage(tagged("OffscreenCanvas", { width: 2, height: 2 }));
    const wrong = remote.encodeImage(tagged("ImageBitmap", { width: 0 }));
    const quick = remote.encodeImage(new Blob(["x"]));
    await expect(wrong).rejects.toMatchObject({ code: "bad-image" });
    await ticks();
    expect(sizes).toEqual([]);
    // Stands for a bitmap, as something that can be handed over in Node.
    decode(Object.assign(new ArrayBuffer(4), { width: 2, height: 2, close() {} }));
    await Promise.all([slow, quick]);
    expect(sizes).toEqual(["ArrayBuffer", "Blob"]);
  });

  test("leaving the loop stops the work at once", async () => {
    const { signals, wait } = endless();
    async function* generate({ signal }: GenerateRequest): AsyncGenerator<GenerationEvent> {
      yield { type: "text", text: "Hi" };
      await wait(signal!).catch(() => {});
      yield { ...DONE, reason: "abort" } as GenerationEvent;
    }
    const { remote } = await open({ generate });
    for await (const event of remote.generate(HELLO)) if (event.type === "text") break;
    await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true));
  });

  test("a page that does not read gets one message, however much there is", async () => {
    async function* generate(): AsyncGenerator<GenerationEvent> {
      for (let i = 0; i < 100; i++) yield { type: "text", text: String(i % 10) };
      yield DONE;
    }
    const { remote, worker } = await open({ generate });
    const generation = remote.generate(HELLO);
    expect(await generation.text()).toHaveLength(100);
    const batches = worker.toPage.flatMap((message) => (message.type === "events" ? [message.events.length] : []));
    expect(batches.reduce((a, b) => a + b)).toBe(101);
    expect(batches.length).toBeLessThan(5);
  });
});

describe("ends", () => {
  const { wait } = endless();
  const model: FakeModel = {
    encodeImage: (_: unknown, { signal }: { signal: AbortSignal }) => wait(signal),
    generate: async function* ({ signal }: GenerateRequest) {
      yield { type: "text", text: "Hi" };
      await wait(signal!);
    },
  };

  test.for([
    ["dispose", "disposed", /this engine was disposed/],
    ["an error of the worker", "device-lost", /worker died \(Uncaught Error: no memory\); load the model again/],
  ] as const)("by %s: everything that waits fails, and what comes later too", async ([how, code, message]) => {
    const { remote, worker } = await open(model);
    const generation = remote.generate(HELLO);
    const encoding = remote.encodeImage(new Blob(["x"]));
    encoding.catch(() => {});
    await ticks();
    if (how === "dispose") remote[Symbol.dispose]();
    else worker.fail("Uncaught Error: no memory");
    const expected = { code, message: expect.stringMatching(message) };
    await expect(generation.text()).rejects.toMatchObject(expected);
    await expect(encoding).rejects.toMatchObject(expected);
    await expect(remote.inspect({ inputIds: [1] })).rejects.toMatchObject(expected);
    expect(worker.isTerminated).toBe(true);
    expect(remote.memory.gpuBytes).toBe(0);
    remote.dispose();
    await expect(remote.encodeImage(new Blob())).rejects.toMatchObject(expected);
  });
});
