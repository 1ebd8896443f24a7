/** AbortSignal at every stage of loading: it ends at once with `aborted`, nothing stays on the GPU or on its way. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Fovea, type LoadOptions, type LoadProgress, type ModelFiles } from "../../src/index.ts";
import { type CountedDevice, expectRefusal, ownCountedDevice } from "../support/engine.ts";
import { languageFiles } from "../support/random-models.ts";
import { shippedModelUrl } from "../support/shared.ts";
import { expectShippedAnswer } from "../support/shipped-model.ts";

/** What a stubbed request does: goes on to the server, never answers, or sends a little and then nothing more. */
type Behaviour = "pass" | "silent" | "stalling";

interface Request {
  file: string;
  signal: AbortSignal;
}

/** Replaces `fetch` and lets `decide` say what becomes of each request. Returns the requests as they were made. */
function stubFetch(decide: (file: string, count: number) => Behaviour): Request[] {
  const { fetch } = globalThis;
  const requests: Request[] = [];
  const counts = new Map<string, number>();
  vi.stubGlobal("fetch", async (input: URL, init: RequestInit) => {
    const file = String(input).split("/").at(-1)!;
    const signal = init.signal!;
    const count = (counts.get(file) ?? 0) + 1;
    counts.set(file, count);
    requests.push({ file, signal });
    const behaviour = decide(file, count);
    if (behaviour === "silent")
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const response = await fetch(input, init);
    return behaviour === "pass" ? response : stalled(response, signal);
  });
  return requests;
}

/** The same answer, of which only the first chunk arrives. */
async function stalled(response: Response, signal: AbortSignal): Promise<Response> {
  const reader = response.body!.getReader();
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue((await reader.read()).value!.slice(0, 4096));
      signal.addEventListener("abort", () => controller.error(signal.reason));
    },
    cancel: () => reader.cancel(),
  });
  return new Response(body, { status: response.status, headers: response.headers });
}

describe("an aborted load", () => {
  let counted: CountedDevice;
  let small: ModelFiles;
  const url = shippedModelUrl();

  beforeAll(async () => {
    counted = await ownCountedDevice();
    small = languageFiles();
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
    expect(counted.live()).toEqual([]);
  });
  afterAll(() => counted.device.destroy());

  const load = (source: string | ModelFiles, options: LoadOptions) =>
    Fovea.load(source, { device: counted.device, maxContext: 64, cache: "none", ...options });

  // First, while this device has nothing compiled.
  test("while pipelines compile", async () => {
    const { device } = counted;
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const compile = device.createComputePipelineAsync.bind(device);
    let begun = 0;
    // Kernels of uploading are needed before this stage.
    const spy = vi.spyOn(device, "createComputePipelineAsync").mockImplementation(async (descriptor) => {
      begun++;
      if (!descriptor.label!.startsWith("weight-unpack")) await gate;
      return compile(descriptor);
    });
    const controller = new AbortController();
    const onProgress = ({ stage }: LoadProgress) => {
      if (stage === "compile") setTimeout(() => controller.abort(), 20);
    };
    await expectRefusal(
      () => load(small, { signal: controller.signal, onProgress }),
      "aborted",
      /aborted during compiling/,
    );
    const begunBefore = begun;
    release();
    await new Promise((resolve) => setTimeout(resolve, 300));
    // What was under way ends, and no more is begun.
    expect(begun).toBe(begunBefore);
    spy.mockRestore();
  });

  test("before it began", async () => {
    const requests = stubFetch(() => "pass");
    await expectRefusal(() => load(url, { signal: AbortSignal.abort() }), "aborted", /aborted during loading/);
    expect(requests).toEqual([]);
  });

  test.for([
    { stage: "config.json", file: "config.json", count: 1, behaviour: "silent" },
    { stage: "the tokenizer", file: "tokenizer.json", count: 1, behaviour: "stalling" },
    { stage: "the weights' header", file: "model.safetensors", count: 1, behaviour: "silent" },
    { stage: "a header that stops in the middle", file: "model.safetensors", count: 1, behaviour: "stalling" },
    { stage: "the weights, of which nothing arrives", file: "model.safetensors", count: 2, behaviour: "silent" },
    { stage: "the weights, of which some arrive", file: "model.safetensors", count: 2, behaviour: "stalling" },
  ] as const)("during the download of $stage", async ({ file, count, behaviour }) => {
    const controller = new AbortController();
    const requests = stubFetch((asked, nth) => {
      if (asked !== file || nth !== count) return "pass";
      setTimeout(() => controller.abort(), 50);
      return behaviour;
    });
    // Several files are under way at once: it is named which of them the load would have needed first.
    await expectRefusal(() => load(url, { signal: controller.signal }), "aborted", /aborted during download of [\w.]+/);
    expect(requests.filter((one) => one.file === file)).toHaveLength(count);
    // No transfer goes on behind our back, and none is begun again.
    const made = requests.length;
    for (const { signal } of requests) expect(signal.aborted).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(requests.length).toBe(made);
  });

  test("between the pieces of the upload", async () => {
    const controller = new AbortController();
    const { queue } = counted.device;
    const write = queue.writeBuffer.bind(queue);
    let pieces = 0;
    vi.spyOn(queue, "writeBuffer").mockImplementation((...args: Parameters<GPUQueue["writeBuffer"]>) => {
      if (args[0].label === "stored weights" && ++pieces === 10) controller.abort();
      write(...args);
      return undefined;
    });
    await expectRefusal(() => load(small, { signal: controller.signal }), "aborted", /aborted during loading weights/);
    expect(pieces).toBe(10);
  });

  test("a signal that fires when the model is loaded changes nothing, and the question is answered", async () => {
    const controller = new AbortController();
    const fovea = await load(url, { signal: controller.signal, maxContext: 256 });
    controller.abort();
    await expectShippedAnswer(fovea);
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
  }, 180_000);
});
