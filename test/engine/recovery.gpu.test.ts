/** Devices of the engine's own that are lost at every moment: the answer is the same, and nothing is left over. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { GenerateRequest, GenerationEvent, LoadProgress, ModelFiles } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { Stopping } from "../../src/generate/stopping.ts";
import { chatFiles } from "../support/chat-files.ts";
import { expectRefusal } from "../support/engine.ts";
import { followDevices, loseAt, type OwnDevices } from "../support/lost-devices.ts";

const MINUTE_MS = 60_000;
/** Every device compiles all pipelines anew. */
const PATIENCE_MS = 900_000;

describe("a lost device", () => {
  let files: ModelFiles;
  let own: OwnDevices;
  let fovea: Fovea;
  let undisturbed: Told;
  let minutes = 0;

  beforeAll(async () => {
    files = await chatFiles();
    own = followDevices();
    const { now } = performance;
    vi.spyOn(performance, "now").mockImplementation(() => now.call(performance) + minutes * MINUTE_MS);
    const stages: LoadProgress["stage"][] = ["weights", "compile"];
    const onProgress = ({ stage }: LoadProgress) => {
      if (stage !== stages[0]) return;
      stages.shift();
      device().destroy();
    };
    fovea = await Fovea.load(files, { maxContext: 400, onProgress });
    expect(stages).toEqual([]);
    undisturbed = await ask();
  }, PATIENCE_MS);
  // Losses of one test are not counted with those of the next.
  beforeEach(() => {
    minutes++;
  });
  afterEach(() => {
    own.onDevice = () => {};
  });
  afterAll(() => {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
    expect(own.devices.flatMap(({ live }) => live())).toEqual([]);
    vi.restoreAllMocks();
  });

  interface Told {
    ids: number[];
    text: string;
    types: string[];
    events: GenerationEvent[];
  }

  const picture = new ImageData(30, 20);
  for (const i of picture.data.keys()) picture.data[i] = (i * 3) % 251;
  const content = [{ type: "image", image: picture } as const, { type: "text", text: "What is this?" } as const];
  const request: GenerateRequest = { messages: [{ role: "user", content }], maxTokens: 10, attention: true };

  async function ask(
    changes: Partial<GenerateRequest> = {},
    onEvent?: (event: GenerationEvent) => void,
  ): Promise<Told> {
    const ids = vi.spyOn(Stopping.prototype, "push");
    const events: GenerationEvent[] = [];
    try {
      for await (const event of fovea.generate({ ...request, ...changes })) {
        events.push(event);
        onEvent?.(event);
      }
      return {
        ids: ids.mock.calls.map(([id]) => id),
        text: events.map((event) => (event.type === "text" ? event.text : "")).join(""),
        types: events.map(({ type }) => type),
        events,
      };
    } finally {
      ids.mockRestore();
    }
  }

  const device = () => own.devices.at(-1)!.device;
  const attention = ({ events }: Told) => events.find(({ type }) => type === "attention");

  /** Fails unless the answer is that of an engine which lost nothing, with so many interruptions. */
  function expectSame(told: Told, losses: number): void {
    expect(told.ids).toEqual(undisturbed.ids);
    expect(told.text).toBe(undisturbed.text);
    expect(told.types.filter((type) => type !== "recovering")).toEqual(undisturbed.types);
    expect(told.types.length - undisturbed.types.length).toBe(losses);
    expect(attention(told)).toEqual(attention(undisturbed));
    const done = told.events.at(-1)!;
    const expected = undisturbed.events.at(-1)!;
    if (done.type !== "done" || expected.type !== "done") throw new Error("an answer without an end");
    const { imageTokensBefore, imageTokensAfter, promptTokens, newTokens, gpuBytes } = expected.stats;
    expect(done.stats).toMatchObject({ imageTokensBefore, imageTokensAfter, promptTokens, newTokens, gpuBytes });
  }

  /** Loses the devices to come, one after another, each as it begins such work. */
  function loseNext(...labels: string[]): void {
    own.onDevice = (device) => {
      const label = labels.shift();
      if (label) loseAt(device, label);
    };
  }

  test("while loading: weights and compilation begin again", () => {
    expect(own.devices.length).toBe(3);
    for (const { live } of own.devices.slice(0, -1)) expect(live()).toEqual([]);
    // Otherwise the comparisons below show little.
    expect(new Set(undisturbed.ids).size).toBeGreaterThan(2);
    expect(undisturbed.ids.length).toBe(10);
    expect(undisturbed.types.slice(0, 2)).toEqual(["image", "prefill"]);
  });

  test(
    "between two answers, then under the encoder, then in prefill",
    async () => {
      loseNext("vision", "prefill");
      device().destroy();
      await device().lost;
      expectSame(await ask(), 3);
      expect(own.devices.length).toBe(6);
    },
    PATIENCE_MS,
  );

  test(
    "in the middle of decoding, on the way back to there, and behind the last token",
    async () => {
      loseNext("replay", "inhibition record");
      loseAt(device(), "decode", 6);
      expectSame(await ask(), 3);
      const lost = own.devices.slice(0, -1).flatMap(({ live }) => live());
      expect(lost).toEqual([]);
      expect(fovea.memory.peakGpuBytes).toBeGreaterThanOrEqual(fovea.memory.gpuBytes);
    },
    PATIENCE_MS,
  );

  test(
    "under a picture on its own: it is encoded again",
    async () => {
      const { features } = await fovea.encodeImage(picture);
      loseAt(device(), "vision");
      expect((await fovea.encodeImage(picture)).features).toEqual(features);
    },
    PATIENCE_MS,
  );

  test("again and again: the engine gives up, and says so at once to the next", async () => {
    const before = own.devices.length;
    own.onDevice = (device) => device.destroy();
    device().destroy();
    await expectRefusal(ask, "device-lost", /the GPU device was lost .*; 4 times within a minute\. Close other pages/s);
    expect(own.devices.length).toBe(before + 3);
    await expectRefusal(() => fovea.encodeImage(picture), "device-lost", /; 5 times within a minute/);
    expect(own.devices.length).toBe(before + 4);
    expect(fovea.memory.gpuBytes).toBe(0);
  });

  test("with nothing to load the model from, or to load it on", async () => {
    const adapter = vi.spyOn(navigator.gpu, "requestAdapter").mockResolvedValue(null);
    await expectRefusal(ask, "device-lost", /the GPU device was lost .* times within a minute/s);
    expect(adapter.mock.calls.length).toBeGreaterThan(2);
    adapter.mockRestore();
    minutes++;
    const slice = vi.spyOn(files["model.safetensors"] as Uint8Array, "subarray").mockImplementation(() => {
      throw new Error("the file is gone");
    });
    await expectRefusal(ask, "device-lost", /the model could not be loaded again: the file is gone/);
    slice.mockRestore();
  });

  test("and the user does not wait for a new one", async () => {
    const controller = new AbortController();
    const told = await ask({ signal: controller.signal }, ({ type }) => {
      if (type === "recovering") controller.abort();
    });
    expect(told.types).toEqual(["recovering", "done"]);
    expect(told.events.at(-1)).toMatchObject({ reason: "abort" });
  });

  test("and the engine is disposed of meanwhile", async () => {
    const onEvent = ({ type }: GenerationEvent) => {
      if (type === "recovering") setTimeout(() => fovea.dispose(), 50);
    };
    await expectRefusal(() => ask({}, onEvent), "disposed", /this engine was disposed/);
    await expectRefusal(ask, "disposed", /this engine was disposed/);
  });
});
