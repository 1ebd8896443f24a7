/** Plans of published checkpoints against numbers worked out by hand, before anything is downloaded. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { LoadOptions, ModelPlan } from "../../src/api.ts";
import { planModel } from "../../src/engine/plan-model.ts";
import { type CheckpointName, syntheticCheckpoint } from "../support/synthetic/checkpoint.ts";
import { type CheckpointServer, serveCheckpoint } from "../support/synthetic/server.ts";

vi.setConfig({ testTimeout: 60_000 });

const MIB = 2 ** 20;

/** A device that allows buffers and bindings of these sizes. */
function deviceOf(maxBufferSize: number, maxStorageBufferBindingSize = maxBufferSize): GPUDevice {
  return { limits: { maxBufferSize, maxStorageBufferBindingSize }, createBuffer() {} } as unknown as GPUDevice;
}

const DESKTOP = deviceOf(4096 * MIB);
const DEFAULTS = deviceOf(256 * MIB, 128 * MIB);
const PHONE = deviceOf(256 * MIB, 64 * MIB);

/**
 * Packed bytes of 32 values: 18 with 4 bits, 34 with 8 bits, 64 as f16. The encoder has 23 blocks of 12 * 1024^2 values.
 * These stay f32: 13312 values of biases and norms a block, class token, 577 positions, patches [1024, 588], first norm.
 */
const CLIP_Q4 = (23 * 12 * 1024 ** 2 * 18) / 32 + 4 * (23 * 13312 + 1024 + 577 * 1024 + 1024 * 588 + 2 * 1024);
/** 26 blocks, whose last matrix [1152, 4304] has no whole groups of 32 and is kept as f16. */
const SIGLIP_Q4 =
  26 * ((18 / 32) * (4 * 1152 ** 2 + 4304 * 1152) + 2 * 1152 * 4304 + 4 * 14672) + 4 * (729 * 1152 + 1152 * 588 + 1152);

/** Keys and values: in f16 where f32 would take more than 256 MiB. */
function cacheBytes({ positions, layers, keyHeads, headWidth }: Cache): number {
  const values = layers * 2 * positions * keyHeads * headWidth;
  return 4 * values > 2 ** 28 ? 2 * values : 4 * values;
}

interface Cache {
  positions: number;
  layers: number;
  keyHeads: number;
  headWidth: number;
}

/** 12 blocks of 12 * 768^2 values, patches [768, 768]; f32: 13 * 768 values of biases and norms a block, 1024 positions. */
const VIT_B_Q4 = (18 / 32) * (12 * 12 + 1) * 768 ** 2 + 4 * (12 * 13 * 768 + 1024 * 768 + 3 * 768);

const HAND: Record<
  CheckpointName,
  { files: number; download: number; weights: number; cache: Cache; imageTokens: number }
> = {
  "llava-1.5-7b": {
    files: 9,
    download: 14.13e9,
    weights:
      (32 * 202_375_168 * 18) / 32 +
      (2 * 32064 * 4096 * 34) / 32 +
      65 * 4096 * 4 +
      CLIP_Q4 +
      (20_971_520 * 18) / 32 +
      32768,
    cache: { positions: 4096, layers: 32, keyHeads: 32, headWidth: 128 },
    imageTokens: 576,
  },
  "tiny-llava": {
    files: 8,
    download: 5.64e9,
    weights:
      (22 * 44_040_192 * 18) / 32 +
      (2 * 32064 * 2048 * 34) / 32 +
      45 * 2048 * 4 +
      CLIP_Q4 +
      (6_291_456 * 18) / 32 +
      16384,
    cache: { positions: 2048, layers: 22, keyHeads: 4, headWidth: 64 },
    imageTokens: 576,
  },
  "llava-interleave-qwen-0.5b": {
    files: 6,
    download: 1.73e9,
    weights:
      (24 * 12_845_056 * 18) / 32 +
      24 * 3072 * 4 +
      (152000 * 1024 * 34) / 32 +
      49 * 1024 * 4 +
      SIGLIP_Q4 +
      (2_228_224 * 18) / 32 +
      8192,
    cache: { positions: 4096, layers: 24, keyHeads: 16, headWidth: 64 },
    imageTokens: 729,
  },
  "smolvlm-256m": {
    files: 7,
    download: 0.514e9,
    weights:
      (18 / 32) * 30 * 3_538_944 + (2 * 49280 * 576 * 34) / 32 + 61 * 576 * 4 + VIT_B_Q4 + (18 / 32) * 12288 * 576,
    cache: { positions: 4096, layers: 30, keyHeads: 3, headWidth: 64 },
    // 4 x 4 tiles and an overview.
    imageTokens: 17 * 64,
  },
};

describe.for(Object.keys(HAND) as CheckpointName[])("%s", (name) => {
  let server: CheckpointServer;
  beforeAll(async () => {
    server = await serveCheckpoint(syntheticCheckpoint(name));
  });
  afterAll(() => server.close());
  const plan = (options: LoadOptions): Promise<ModelPlan> => planModel(server.url, { cache: "none", ...options });
  const hand = HAND[name];
  const tooManyTokens = (context: number) =>
    expect.stringMatching(`takes ${hand.imageTokens} tokens .* holds ${context}: .*larger maxContext`);

  test("bytes by part, with headers alone read", async () => {
    const sent = server.sentBytes;
    const planned = await plan({ weights: "q4", device: DESKTOP });
    expect(server.sentBytes - sent).toBeLessThan(2e6);
    const family = name === "smolvlm-256m" ? "idefics3" : "llava";
    expect(planned).toMatchObject({ family, weights: "q4", problems: [], storedBytes: 0 });
    expect(planned.files).toHaveLength(hand.files);
    expect(planned.downloadBytes / hand.download).toBeCloseTo(1, 2);
    const { weightBytes, workingBytes, totalBytes } = planned.gpu;
    const expected = { weightBytes: hand.weights, cacheBytes: cacheBytes(hand.cache) };
    expect(planned.gpu).toMatchObject(expected);
    expect(totalBytes).toBe(weightBytes + planned.gpu.cacheBytes + workingBytes);
    expect(workingBytes / (totalBytes - workingBytes)).toBeLessThan(0.15);
  });

  test("a smaller context takes as much less", async () => {
    const { gpu, contextLength, problems } = await plan({ weights: "q4", maxContext: 1024, device: DESKTOP });
    const bytes = cacheBytes({ ...hand.cache, positions: 1024 });
    expect({ contextLength, cacheBytes: gpu.cacheBytes }).toEqual({ contextLength: 1024, cacheBytes: bytes });
    expect(problems).toEqual(hand.imageTokens > 1024 ? [tooManyTokens(1024)] : []);
  });

  test("auto chooses by the limits", async () => {
    const chosen = async (device: GPUDevice) => (await plan({ device })).weights;
    // The widest below 1 GiB: 513 MB in f16, 1.04 GB in 8 bits. The others have at least 1.5 GB in 8 bits.
    const widest: Partial<Record<string, string>> = { "smolvlm-256m": "f16", "llava-interleave-qwen-0.5b": "q8" };
    expect(await chosen(DESKTOP)).toBe(widest[name] ?? "q4");
    expect(await chosen(DEFAULTS)).toBe("q4");
    const all = await Promise.all(
      (["f32", "f16", "q8", "q4"] as const).map((weights) => plan({ weights, device: PHONE })),
    );
    const bytes = all.map(({ gpu }) => gpu.weightBytes);
    expect(bytes).toEqual(bytes.toSorted((a, b) => b - a));
  });

  test("problems say what does not fit and what to change", async () => {
    expect((await plan({ device: DEFAULTS })).problems).toEqual([]);
    const { problems } = await plan({ device: PHONE });
    // A layer's keys and values: 8192, 512 and 2048 values a token, in f16 for the first; 64 MiB are 4096, 32768 and 8192
    // tokens. In f32 the first one's are too many.
    expect(problems).toEqual([]);
    if (name === "llava-1.5-7b")
      expect((await plan({ device: PHONE, keyValues: "f32" })).problems).toEqual([
        expect.stringMatching(/134217728 bytes for 4096 tokens.* 67108864 .*at most 2048$/),
      ]);
    const tight = await plan({ device: PHONE, maxContext: 256 });
    expect(tight.problems).toEqual([tooManyTokens(256)]);
  });
});

test("without a device or an adapter nothing is too large", async () => {
  const server = await serveCheckpoint(syntheticCheckpoint("llava-1.5-7b", { blocks: 1, layers: 1 }));
  try {
    const planned = await planModel(server.url, { cache: "none" });
    expect(planned).toMatchObject({ weights: "f16", problems: [], freeStorageBytes: undefined });
  } finally {
    server.close();
  }
});
