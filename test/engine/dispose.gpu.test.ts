/** A page that keeps its device and its signal, and loads again and again: after `dispose` nothing holds an engine. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cdp } from "vitest/browser";
import { Gpu } from "../../src/gpu/device.ts";
import { Fovea, type LoadOptions } from "../../src/index.ts";
import { expectAnswers, expectRefusal, type Files, ownCountedDevice, question } from "../support/engine.ts";
import { languageFiles } from "../support/random-models.ts";
import { sharedDevice } from "../support/shared-devices.ts";

/** Of the browser's DevTools protocol, as far as it is used here. */
const devTools = cdp() as unknown as { send(method: "HeapProfiler.collectGarbage"): Promise<void> };

describe("on the caller's device", () => {
  const { open } = Gpu;
  /** All engines' devices, and the public objects. */
  let held: WeakRef<object>[] = [];
  let files: Files;
  let device: GPUDevice;
  beforeAll(async () => {
    files = languageFiles();
    device = await sharedDevice("standard");
  });
  beforeEach(() => {
    held = [];
    Gpu.open = async (...given) => {
      const gpu = await open.apply(Gpu, given);
      held.push(new WeakRef(gpu));
      return gpu;
    };
  });
  afterEach(() => {
    Gpu.open = open;
  });

  async function load(options: LoadOptions): Promise<Fovea> {
    const fovea = await Fovea.load(files, { maxContext: 64, device, ...options });
    held.push(new WeakRef(fovea));
    return fovea;
  }

  /** Results of the last commands may still be on their way from the GPU's process. */
  async function expectCollected(count: number): Promise<void> {
    expect(held).toHaveLength(count);
    const alive = async () => {
      await devTools.send("HeapProfiler.collectGarbage");
      return held.filter((reference) => reference.deref() !== undefined).length;
    };
    await expect.poll(alive, { timeout: 20_000, interval: 200 }).toBe(0);
  }

  test("disposed engines are collected, after answers and errors", async () => {
    const { signal } = new AbortController();
    const round = async () => {
      const fovea = await load({ signal });
      await expectAnswers(fovea);
      await fovea.generate({ ...question, signal }).text();
      await expectRefusal(() => fovea.inspect({ inputIds: [-1] }), RangeError, /-1/);
      fovea.dispose();
    };
    await round();
    await round();
    await expectCollected(4);
  });

  test("an engine whose load failed is collected", async () => {
    const fail = () =>
      load({
        onProgress({ stage }) {
          if (stage === "weights") throw new Error("the page is gone");
        },
      });
    await expect(fail()).rejects.toThrow("the page is gone");
    await expectCollected(1);
  });

  test("an engine whose device is lost says so, and a later one at once", async () => {
    const lost = await ownCountedDevice();
    const fovea = await Fovea.load(files, { maxContext: 64, device: lost.device });
    lost.device.destroy();
    await expectRefusal(() => fovea.generate(question).text(), "device-lost", /the GPU device was lost/);
    await expectRefusal(() => load({ device: lost.device }), "device-lost", /the GPU device was lost/);
    fovea.dispose();
  });
});
