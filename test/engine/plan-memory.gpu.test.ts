/** Planned GPU memory: to the byte what loading allocates, and what the costliest picture takes besides. */
import { describe, expect, test } from "vitest";
import { costliestPlan } from "../../src/engine/engine.ts";
import { readModel } from "../../src/engine/read-model.ts";
import { familyNames } from "../../src/families/registry.ts";
import { Fovea, type ModelFiles, planModel } from "../../src/index.ts";
import type { WeightType } from "../../src/kernels/weights.ts";
import { queriesOf } from "../../src/model/connector/row-count.ts";
import { PictureEncoder } from "../../src/model/encoder/picture-encoder.ts";
import { Weights } from "../../src/model/load/fill.ts";
import { matchTensors } from "../../src/model/load/match.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { openFolder } from "../../src/weights/folder.ts";
import { GOLDEN_NAMES } from "../support/golden.ts";
import { useGpu } from "../support/gpu.ts";
import { classifierFiles, languageFiles } from "../support/random-models.ts";
import { needing, sharedUrl, shippedModelUrl, testShared } from "../support/shared.ts";

/** Folder -> family; see golden.gpu.test.ts in test/families. */
const FOLDERS: Record<string, string> = JSON.parse(import.meta.env.VITE_FAMILY_FOLDERS);
const folders = Object.keys(FOLDERS).filter((folder) => familyNames().includes(FOLDERS[folder]!));

type Source = string | ModelFiles;
type Model = [name: string, open: () => Source];
const golden = (folder: string): Model => [folder, () => sharedUrl(`golden/families/${folder}/model`)];

const PICTURE_MODELS: Model[] = [
  ...GOLDEN_NAMES.map((name): Model => [name, () => sharedUrl(`golden/${name}`)]),
  ...folders.filter((folder) => !folder.startsWith("text-")).map(golden),
  ["a random classifier", classifierFiles],
  ["the shipped model", shippedModelUrl],
];
const TEXT_MODELS: Model[] = [
  ...folders.filter((folder) => folder.startsWith("text-")).map(golden),
  ["a random language model", languageFiles],
];

// One device for all, so that each pipeline is compiled once.
const { gpu: shared } = useGpu();

async function expectPlanned(source: Source, weights: "auto" | WeightType = "auto"): Promise<void> {
  const options = { weights, maxContext: 96, cache: "none", device: shared().device } as const;
  const plan = await planModel(source, options);
  const fovea = await Fovea.load(source, options);
  const { gpuBytes } = fovea.memory;
  fovea.dispose();
  expect(plan.weights).toBe(fovea.info.weights);
  expect(plan.parameters).toBe(fovea.info.parameters);
  expect(plan.gpu.weightBytes).toBe(fovea.info.weightBytes);
  expect(plan.gpu.totalBytes).toBe(gpuBytes);
  const { weightBytes, cacheBytes, workingBytes, totalBytes } = plan.gpu;
  expect(weightBytes + cacheBytes + workingBytes).toBe(totalBytes);
}

describe("bytes after a load", () => {
  test.for([...PICTURE_MODELS, ...TEXT_MODELS])("%s", async ([, open]) => {
    await expectPlanned(open());
  });

  test.for(["f16", "q8", "q4"] as const)("weights as %s", async (type) => {
    for (const [, open] of PICTURE_MODELS.slice(0, 2)) await expectPlanned(open(), type);
    await expectPlanned(languageFiles(), type);
  });

  testShared.for(["stories260K", "vit-tiny"])(needing("real", "%s"), async (name) => {
    await expectPlanned(sharedUrl(`real/${name}`));
  });

  test("a longer context takes more, and as much as planned", async () => {
    const files = languageFiles();
    const { device } = shared();
    const plans = await Promise.all([64, 512].map((maxContext) => planModel(files, { maxContext, device })));
    for (const { gpu: planned, contextLength } of plans) {
      const fovea = await Fovea.load(files, { maxContext: contextLength, device });
      expect(planned.totalBytes).toBe(fovea.memory.gpuBytes);
      fovea.dispose();
    }
    // Keys and values of five layers of 4 heads, 8 wide.
    expect(plans.map(({ gpu }) => gpu.cacheBytes)).toEqual([64, 512].map((rows) => rows * 5 * 2 * 4 * 8 * 4));
    expect(plans[0]!.gpu.pictureBytes).toBe(0);
  });
});

describe("bytes of the costliest picture", () => {
  test.for(PICTURE_MODELS)("%s", async ([, open]) => {
    const gpu = shared();
    const planned = await planModel(open(), { device: gpu.device, cache: "none" });
    const folder = openFolder(open());
    const { spec } = await readModel(folder, {});
    const matched = matchTensors(spec, (await openCheckpoint(folder)).tensors);
    const owner = gpu.arena.scope();
    const weights = new Weights(owner, matched);
    const picture = costliestPlan(spec);
    const model = { ...spec, encoder: spec.encoder! };
    const rehearsed = new PictureEncoder(gpu, owner, weights, model);
    await gpu.compile((recorder) => rehearsed.rehearse(recorder, picture));

    const taken: number[] = [];
    for (const compression of [{ method: "none" } as const, rehearsed.standardCompression]) {
      const arena = owner.scope();
      const encoder = new PictureEncoder(gpu, arena, weights, model);
      const batches = encoder.batches(picture, compression);
      const pixels = batches.map(({ views }) => {
        const { width, height } = picture.views[views[0]!]!;
        return arena.tensor("pixels", [views.length, 3, height, width]);
      });
      // The longest question, where rows depend on it.
      const words = queriesOf(spec.connector)?.text?.maxTokens;
      const question = words === undefined ? undefined : new Array<number>(words).fill(0);
      await encoder.encode(gpu, picture, batches, pixels, { compression, question });
      await gpu.idle();
      taken.push(arena.peakBytes);
      arena.dispose();
    }
    owner.dispose();
    expect(planned.gpu.pictureBytes).toBe(Math.max(...taken));
    expect(planned.gpu.pictureBytes).toBeGreaterThan(0);
  });
});
