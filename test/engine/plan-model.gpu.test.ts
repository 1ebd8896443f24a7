/** What loading will take, said beforehand, against what it then takes; and models that a worker or a load has stored. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { deleteStoredModel, Fovea, planModel, storedModels } from "../../src/index.ts";
import { LANGUAGE_FILES } from "../../src/shared/model-files.ts";
import { isModelFile } from "../../src/weights/formats/registry.ts";
import { sharedFiles } from "../support/engine.ts";
import { useDevice } from "../support/gpu.ts";
import { languageFiles } from "../support/random-models.ts";
import { shippedModelUrl } from "../support/shared.ts";
import { expectShippedAnswer } from "../support/shipped-model.ts";

const shipped = shippedModelUrl();
const { device } = useDevice();

afterEach(async () => {
  vi.unstubAllGlobals();
  for (const { source } of await storedModels()) await deleteStoredModel(source);
});

test("every file that is read of a language model may be fetched", () => {
  expect(LANGUAGE_FILES.filter((name) => !isModelFile(name))).toEqual([]);
});

describe("a plan", () => {
  test.for([
    ["a model for pictures", () => sharedFiles("golden/clip-llama-f32", ["config.json", "model.safetensors"])],
    ["a language model", languageFiles],
  ] as const)("of %s is near to what the GPU then holds", async ([, open]) => {
    const files = await open();
    const plan = await planModel(files, { maxContext: 128 });
    expect(plan).toMatchObject({ downloadBytes: 0, contextLength: 128, source: "the given files" });
    expect(plan.totalBytes).toBe(Object.values(files).reduce((sum, bytes) => sum + bytes.length, 0));
    const fovea = await Fovea.load(files, { maxContext: 128, device: device() });
    expect(plan.gpu.weightBytes).toBe(fovea.info.weightBytes);
    expect(plan.parameters).toBe(fovea.info.parameters);
    // The slab of parameters and the lists of ids are small in any real model, and not here.
    const rest = fovea.memory.gpuBytes - plan.gpu.weightBytes - plan.gpu.cacheBytes;
    expect(plan.gpu.workingBytes).toBeGreaterThan(rest / 3);
    expect(plan.gpu.workingBytes).toBeLessThan(rest * 2);
    fovea.dispose();
  });

  test("of a model that is not there, and of nonsense", async () => {
    await expect(planModel("fovea-nothing")).rejects.toThrow(TypeError);
    await expect(planModel({})).rejects.toMatchObject({ code: "unsupported-model" });
    await expect(planModel("fovea-demo", { hubToken: "a b" })).rejects.toThrow(/hubToken must be a string/);
    for (const name of ["hubUrl", "modelsUrl"])
      await expect(planModel("fovea-demo", { [name]: "ftp://x" })).rejects.toThrow(/must be an http\(s\) address/);
  });

  test("knows what is stored; a loaded model needs the network no more", async () => {
    const before = await planModel(shipped);
    expect(before).toMatchObject({ source: `${shipped}/`, storedBytes: 0, family: "llava" });
    expect(before.downloadBytes).toBe(before.totalBytes);
    expect(before.files.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["config.json", "tokenizer.json", "model.safetensors"]),
    );
    expect(before.freeStorageBytes).toBeGreaterThan(before.totalBytes);
    expect(await storedModels()).toEqual([]);

    const progress: number[][] = [];
    const options = {
      maxContext: 256,
      device: device(),
      onProgress: (p: { loadedBytes: number; totalBytes: number }) => progress.push([p.loadedBytes, p.totalBytes]),
    };
    (await Fovea.load(shipped, options)).dispose();
    expect(progress.at(-1)).toEqual([before.totalBytes, before.totalBytes]);
    expect((await storedModels())[0]).toMatchObject({
      source: `${shipped}/`,
      bytes: before.totalBytes,
      complete: true,
    });
    expect(await planModel(shipped)).toMatchObject({ downloadBytes: 0, storedBytes: before.totalBytes });

    vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("Failed to fetch")));
    expect(await planModel(shipped)).toMatchObject({ downloadBytes: 0 });
    const fovea = await Fovea.load(shipped, { maxContext: 256, device: device() });
    // The expected answer is read over the network.
    vi.unstubAllGlobals();
    await expectShippedAnswer(fovea);
    fovea.dispose();
  });

  test("what a worker stores, a page loads", async () => {
    const { files, totalBytes: bytes } = await planModel(shipped);
    const worker = new Worker(new URL("../weights/store-worker.ts", import.meta.url), { type: "module" });
    const answer = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
    worker.postMessage({ url: shipped, names: files.map(({ name }) => name) });
    expect(await answer).toEqual({ bytes });
    worker.terminate();
    expect((await storedModels())[0]).toMatchObject({ source: `${shipped}/`, bytes, complete: true });
    vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("Failed to fetch")));
    const fovea = await Fovea.load(shipped, { maxContext: 256, device: device() });
    expect(fovea.info.family).toBe("llava");
    fovea.dispose();
  });
});
