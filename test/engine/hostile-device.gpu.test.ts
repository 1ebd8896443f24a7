/**
 * A browser without WebGPU, devices that are lost at the worst moment, and devices without memory: a typed error each
 * time, to everyone who waits, and nothing left over.
 */
import { afterEach, describe, expect, test, vi } from "vitest";
import { Fovea, type LoadOptions, type LoadProgress } from "../../src/index.ts";
import { type CountedDevice, expectRefusal, type Files, ownCountedDevice, question } from "../support/engine.ts";
import { languageFiles, referenceGreedy } from "../support/random-models.ts";

const SAYS_LOST = /the GPU device was lost/;

describe("hostile devices", () => {
  let small: Files | undefined;
  afterEach(() => vi.restoreAllMocks());

  async function load(options: LoadOptions = {}): Promise<Fovea> {
    small ??= languageFiles();
    return Fovea.load(small, { maxContext: 64, ...options });
  }

  const { gpu } = navigator;

  test("no WebGPU", async () => {
    vi.spyOn(navigator, "gpu", "get").mockReturnValue(undefined as never);
    await expectRefusal(() => load(), "no-webgpu", /this browser has no WebGPU \(navigator\.gpu is missing\)\. Use/);
  });

  test("no adapter", async () => {
    vi.spyOn(gpu, "requestAdapter").mockResolvedValue(null);
    await expectRefusal(() => load(), "no-webgpu", /WebGPU found no adapter: .* is blocked, or hardware acceleration/);
  });

  test("an adapter that fails, and one that gives no device", async () => {
    const refusal = new DOMException("too many tabs", "OperationError");
    const request = vi.spyOn(gpu, "requestAdapter").mockRejectedValue(refusal);
    await expectRefusal(() => load(), "no-webgpu", /the browser refused the GPU \(OperationError: too many tabs\)/);
    request.mockRestore();
    vi.spyOn(GPUAdapter.prototype, "requestDevice").mockRejectedValue(refusal);
    await expectRefusal(() => load(), "no-webgpu", /the browser refused the GPU \(OperationError: too many tabs\)/);
  });

  test("a device of our own is given back when loading fails", async () => {
    const destroy = vi.spyOn(GPUDevice.prototype, "destroy");
    const progress = ({ stage }: LoadProgress) => {
      if (stage === "weights") throw new Error("the page is gone");
    };
    await expect(load({ onProgress: progress })).rejects.toThrow("the page is gone");
    expect(destroy).toHaveBeenCalledTimes(1);
  });

  test("a device that was lost before", async () => {
    const counted = await ownCountedDevice();
    counted.device.destroy();
    await expectRefusal(() => load({ device: counted.device }), "device-lost", SAYS_LOST);
    expect(counted.live()).toEqual([]);
  });

  test.for(["weights", "compile"] as const)("a device that is lost during the stage %s", async (stage) => {
    const counted = await ownCountedDevice();
    const onProgress = (progress: LoadProgress) => {
      if (progress.stage === stage) counted.device.destroy();
    };
    await expectRefusal(() => load({ device: counted.device, onProgress }), "device-lost", SAYS_LOST);
    expect(counted.live()).toEqual([]);
  });

  test("a device that has not the memory for the weights", async () => {
    const counted = await ownCountedDevice();
    const scope = vi.spyOn(counted.device, "popErrorScope");
    scope.mockResolvedValueOnce(new GPUOutOfMemoryError("no more"));
    await expectRefusal(
      () => load({ device: counted.device }),
      "out-of-memory",
      /the weights: not enough GPU memory besides the \d+ bytes in use: no more/,
    );
    expect(counted.live()).toEqual([]);
    counted.device.destroy();
  });

  test("memory that runs out, and a device that is lost, while answering", async () => {
    const counted = await ownCountedDevice();
    const fovea = await load({ device: counted.device });
    await runOutOfMemory(fovea, counted);
    await lose(fovea, counted);
  });

  /** What asks for memory by the request fails alone; the engine goes on. */
  async function runOutOfMemory(fovea: Fovea, { device, live }: CountedDevice): Promise<void> {
    const before = live();
    vi.spyOn(device, "popErrorScope").mockResolvedValueOnce(new GPUOutOfMemoryError("no more"));
    await expectRefusal(() => fovea.inspect({ inputIds: [1] }), "out-of-memory", /the logits of all rows: .* no more/);
    expect(live()).toEqual(before);
    expect((await fovea.inspect({ inputIds: [1], greedySteps: 2 })).greedy).toEqual(referenceGreedy([1], 2));
    expect(live()).toEqual(before);
  }

  async function lose(fovea: Fovea, { device, live }: CountedDevice): Promise<void> {
    const running = fovea.generate({ ...question, maxTokens: 50 });
    const waiting = fovea.generate(question);
    const inspection = fovea.inspect({ inputIds: [1] });
    inspection.catch(() => {});
    const read = async () => {
      for await (const event of running) if (event.type === "text") device.destroy();
    };
    await expectRefusal(read, "device-lost", SAYS_LOST);
    expect(running.stats).toBe(undefined);
    await expectRefusal(() => running.text(), "device-lost", SAYS_LOST);
    await expectRefusal(() => waiting.text(), "device-lost", SAYS_LOST);
    await expectRefusal(() => inspection, "device-lost", SAYS_LOST);
    await expectRefusal(() => fovea.generate(question).text(), "device-lost", SAYS_LOST);
    await expectRefusal(() => fovea.encodeImage(new ImageData(2, 2)), "device-lost", SAYS_LOST);
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
    expect(live()).toEqual([]);
    await expectRefusal(() => fovea.generate(question).text(), "disposed", /this engine was disposed/);
  }
});
