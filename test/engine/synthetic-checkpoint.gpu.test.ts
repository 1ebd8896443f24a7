/**
 * Checkpoints of real widths from plan to answer, in the page, with one block, one layer, a small vocabulary and random
 * values: SigLIP so400m/14-384 with Qwen2, and SmolVLM-256M. `npm run bench -- --checkpoint` runs whole ones.
 */
import { afterEach, expect, test, vi } from "vitest";
import type { LoadProgress } from "../../src/api.ts";
import { Fovea, planModel } from "../../src/index.ts";
import { syntheticCheckpoint } from "../support/synthetic/checkpoint.ts";
import { syntheticFetch } from "../support/synthetic/fetch.ts";

const FOLDER = "https://checkpoints.invalid/interleave/";
const LARGEST_TENSOR = 4304 * 1152 * 2;

afterEach(() => vi.unstubAllGlobals());

test("llava-interleave-qwen-0.5b, one block and one layer", async () => {
  const checkpoint = syntheticCheckpoint("llava-interleave-qwen-0.5b", { blocks: 1, layers: 1, vocabulary: 2048 });
  const hub = syntheticFetch(checkpoint, FOLDER);
  vi.stubGlobal("fetch", hub.fetch);
  const options = { cache: "none", weights: "q4", maxContext: 512 } as const;
  const plan = await planModel(FOLDER, options);
  const planned = hub.sentBytes;
  expect(planned).toBeLessThan(1e6);
  expect(plan.problems).toEqual([expect.stringMatching(/729 tokens before compression, the context holds 512/)]);

  const progress: LoadProgress[] = [];
  const fovea = await Fovea.load(FOLDER, { ...options, onProgress: (told) => progress.push(told) });
  const { info } = fovea;
  expect(info).toMatchObject({
    weights: "q4",
    imageTokens: 729,
    takesPictures: true,
    vocabularySize: 2048,
    contextLength: 512,
  });
  expect(info.parameters).toBe(plan.parameters);
  expect(info.weightBytes).toBe(plan.gpu.weightBytes);
  expect(progress.at(-1)).toMatchObject({ stage: "ready", loadedBytes: plan.totalBytes, totalBytes: plan.totalBytes });
  expect([...new Set(progress.map(({ stage }) => stage))]).toEqual(["config", "weights", "compile", "ready"]);
  // Only the beginning of each file is read twice.
  expect(hub.sentBytes - planned).toBeLessThan(plan.totalBytes + plan.files.length * (64 << 10));

  const image = new ImageData(40, 30);
  image.data.forEach((_, i) => {
    image.data[i] = (i * 7) % 256;
  });
  const generation = fovea.generate({
    messages: [
      {
        role: "user",
        content: [
          { type: "image", image },
          { type: "text", text: "What is in this picture?" },
        ],
      },
    ],
    compression: { method: "vmtc", tokens: 48, stages: 1 },
    maxTokens: 3,
  });
  console.log(`synthetic answer: ${JSON.stringify(await generation.text())}`);
  expect(generation.stats).toMatchObject({ newTokens: 3, imageTokensBefore: 729, imageTokensAfter: 48 });
  // Random values leave every state finite, so tokens are chosen by comparing numbers.
  const { logits, greedy } = await fovea.inspect({ inputIds: [65, 259, 1300, 2047], greedySteps: 2 });
  expect(logits.data.every(Number.isFinite)).toBe(true);
  expect(new Set(logits.data).size).toBeGreaterThan(1000);
  expect(greedy.every((id) => id < 2048)).toBe(true);

  // A plan leaves out the room to load in, which is two tensors at most.
  const { peakGpuBytes } = fovea.memory;
  expect(peakGpuBytes).toBeLessThan(plan.gpu.totalBytes + plan.gpu.pictureBytes + 2 * LARGEST_TENSOR);
  expect(peakGpuBytes).toBeGreaterThan(0.8 * plan.gpu.totalBytes);
  fovea.dispose();
  expect(fovea.memory.gpuBytes).toBe(0);
});

test("smolvlm-256m, one block and one layer: a picture that fits one tile", async () => {
  const checkpoint = syntheticCheckpoint("smolvlm-256m", { blocks: 1, layers: 1, vocabulary: 2048 });
  const hub = syntheticFetch(checkpoint, FOLDER);
  vi.stubGlobal("fetch", hub.fetch);
  const options = { cache: "none", weights: "q4", maxContext: 512 } as const;
  const plan = await planModel(FOLDER, options);
  expect(plan.problems).toEqual([expect.stringMatching(/1088 tokens before compression, the context holds 512/)]);
  const fovea = await Fovea.load(FOLDER, options);
  expect(fovea.info).toMatchObject({ family: "idefics3", weights: "q4", imageTokens: 64, vocabularySize: 2048 });
  expect(fovea.info.weightBytes).toBe(plan.gpu.weightBytes);
  expect(fovea.memory.gpuBytes).toBe(plan.gpu.totalBytes);

  const generation = fovea.generate({
    messages: [{ role: "user", content: [{ type: "image", image: new ImageData(100, 100) }] }],
    // Golden cases of small widths have tiles; each view takes 10 s here.
    pictures: { maxTiles: 1 },
    compression: { method: "vmtc", ratio: 0.25, stages: 1 },
    maxTokens: 2,
  });
  await generation.text();
  expect(generation.stats).toMatchObject({
    pictures: [{ views: 1, tokensBefore: 64, tokensAfter: 16 }],
    newTokens: 2,
  });
  // The plan is for the largest picture, of 17 views.
  expect(fovea.memory.peakGpuBytes).toBeLessThan(plan.gpu.totalBytes + plan.gpu.pictureBytes);
  fovea.dispose();
  expect(fovea.memory.gpuBytes).toBe(0);
});
