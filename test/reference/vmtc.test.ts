/** Corner cases of token compression: the references of its kernels, and the stages of a small random encoder. */
import { describe, expect, test } from "vitest";
import { expectClose } from "../support/compare.ts";
import { freshRandom } from "../support/random.ts";
import { attention } from "./attention.ts";
import { importance } from "./importance.ts";
import { meanKeys } from "./mean-keys.ts";
import { merge } from "./merge.ts";
import type { Compression, VisionConfig } from "./model/settings.ts";
import { encodeImage } from "./model/vision.ts";
import { compressStage } from "./model/vmtc.ts";
import type { Weights } from "./model/weights.ts";
import { initialOrigins, stageOrigins } from "./owners.ts";
import { pool } from "./pool.ts";
import { prumerge, prumergeKept } from "./prumerge.ts";
import { topK } from "./top-k.ts";

const config: VisionConfig = {
  model_type: "clip_vision_model",
  hidden_size: 8,
  num_hidden_layers: 5,
  num_attention_heads: 2,
  image_size: 8,
  patch_size: 2,
  hidden_act: "quick_gelu",
  layer_norm_eps: 1e-5,
};

/** Random weights and pixels for `config`: 16 patches; with or without a class token. */
function randomEncoder(classToken: boolean): { weights: Weights; pixels: Float32Array } {
  const random = freshRandom("encoder");
  const weights: Weights = new Map();
  const add = (name: string, ...shape: number[]) => {
    const data = Float64Array.from(
      random.floats(
        shape.reduce((a, b) => a * b),
        0.4,
      ),
    );
    weights.set(`vision.${name}`, { shape, data });
  };
  if (classToken) add("embeddings.class_embedding", 8);
  add("embeddings.patch_embedding.weight", 8, 3, 2, 2);
  add("embeddings.position_embedding.weight", classToken ? 17 : 16, 8);
  for (let layer = 0; layer < 5; layer++) {
    const linear = (name: string, cols: number, inner: number) => {
      add(`encoder.layers.${layer}.${name}.weight`, cols, inner);
      add(`encoder.layers.${layer}.${name}.bias`, cols);
    };
    for (const name of ["q_proj", "k_proj", "v_proj", "out_proj"]) linear(`self_attn.${name}`, 8, 8);
    linear("mlp.fc1", 12, 8);
    linear("mlp.fc2", 8, 12);
    for (const name of ["layer_norm1", "layer_norm2"]) {
      add(`encoder.layers.${layer}.${name}.weight`, 8);
      add(`encoder.layers.${layer}.${name}.bias`, 8);
    }
  }
  return { weights, pixels: random.floats(3 * 64) };
}

function encode(encoder: ReturnType<typeof randomEncoder>, compression: Compression, featureLayer = -1) {
  const options = { featureLayer, keepClassToken: false, compression };
  return encodeImage(encoder.pixels, config, encoder.weights, options);
}

describe("importance", () => {
  const shape = { heads: 2, keyHeads: 2, headWidth: 2 };
  const q = freshRandom("importance").floats(5 * 4);
  const k = freshRandom("importance").floats(5 * 4);
  const { logSumExp } = attention(q, k, new Float64Array(20), shape);

  test("with a class token: its row without its own column, which is what is missing from 1", () => {
    const scores = importance(q, k, logSumExp, shape, true, 1);
    expect(scores.length).toBe(4);
    // Weights read through values: column i of v is 1, so the class row's output is the weight of token i.
    const v = Float64Array.from({ length: 20 }, (_, i) => (Math.floor(i / 4) === 3 ? 1 : 0));
    const { output } = attention(q, k, v, shape);
    expect(scores[2]).toBeCloseTo((output[0]! + output[2]!) / 2, 14);
  });

  test("without one: what a token receives from all; sums to 1", () => {
    const scores = importance(q, k, logSumExp, shape, false, 1);
    expect(scores.length).toBe(5);
    expect(scores.reduce((a, b) => a + b)).toBeCloseTo(1, 14);
    const v = Float64Array.from({ length: 20 }, (_, i) => (Math.floor(i / 4) === 3 ? 1 : 0));
    const received = attention(q, k, v, shape).output.filter((_, i) => i % 2 === 0);
    expect(scores[3]).toBeCloseTo(received.reduce((a, b) => a + b) / 10, 14);
  });
});

describe("top-k", () => {
  test("the lower index of equals", () => {
    expect(topK([1, 3, 2, 3, 2], 3)).toEqual({ kept: [1, 2, 3], rest: [0, 4] });
  });

  test("none and all", () => {
    expect(topK([1, 2], 0)).toEqual({ kept: [], rest: [0, 1] });
    expect(topK([1, 2], 2)).toEqual({ kept: [0, 1], rest: [] });
  });
});

describe("merge", () => {
  test("normalized and raw", () => {
    const x = [1, 10, 3, 30, 5, 50];
    expect([...merge(x, [0.25, 0.5, 0.75], [0, 1, 0], 2, 2)]).toEqual([4, 40, 3, 30]);
    expect([...merge(x, [0.25, 0.5, 0.75], [0, 1, 0], 2, 2, "raw")]).toEqual([4, 40, 1.5, 15]);
  });

  test("a cluster whose weights underflow becomes the plain mean", () => {
    expect([...merge([1, 3], [1e-13, 0], [0, 0], 1, 1)]).toEqual([2]);
    expect([...merge([1, 3], [1e-13, 0], [0, 0], 1, 1, "raw")]).toEqual([1e-13]);
  });

  test("a cluster of one is the token itself, bit for bit", () => {
    const x = Float64Array.of(0.1, -0.7, 1 / 3);
    expect(merge(x, [0.3], [0], 1, 3)).toEqual(x);
    expect(merge(x, [0], [0], 1, 3)).toEqual(x);
  });
});

describe("origins", () => {
  test("a cluster takes its members' cells and the owner of the most important, also when it is merged again", () => {
    const first = stageOrigins(initialOrigins(4), [0.1, 0.4, 0.2, 0.3], [1], [0, 2, 3], [0, 1, 0]);
    expect(first).toEqual([
      { cells: [1], owner: 1 },
      { cells: [0, 3], owner: 3 },
      { cells: [2], owner: 2 },
    ]);
    expect(stageOrigins(first, [0, 0.5, 0.5], [], [0, 1, 2], [0, 0, 0])).toEqual([{ cells: [0, 1, 2, 3], owner: 3 }]);
  });
});

describe("stages", () => {
  test.for([true, false])("origins partition the grid when merging, class token %s", (classToken) => {
    const encoder = randomEncoder(classToken);
    const { stages, features } = encode(encoder, { method: "vmtc", tokens: 4 });
    expect(stages.map(({ block }) => block)).toEqual([1, 2, 3]);
    expect(stages.map(({ origins }) => origins.length)).toEqual([10, 6, 4]);
    for (const { origins, tokens } of stages) {
      expect(origins.flatMap(({ cells }) => cells).sort((a, b) => a - b)).toEqual([...Array(16).keys()]);
      expect(tokens.length).toBe((origins.length + (classToken ? 1 : 0)) * 8);
    }
    expect(features.length).toBe(4 * 8);
  });

  test("origins are a subset of the grid when dropping", () => {
    const { stages, origins } = encode(randomEncoder(true), { method: "vmtc", tokens: 4, clusters: 0 });
    expect(stages.map(({ labels }) => labels)).toEqual([[], [], []]);
    expect(origins.map(({ cells }) => cells.length)).toEqual([1, 1, 1, 1]);
    expect(new Set(origins.map(({ owner }) => owner)).size).toBe(4);
  });

  test("the class token passes through untouched", () => {
    const encoder = randomEncoder(true);
    const compressed = encode(encoder, { method: "vmtc", tokens: 4, blocks: [2] });
    const plain = encode(encoder, { method: "none" });
    expect(compressed.hidden[3]!.slice(0, 8)).toEqual(plain.hidden[3]!.slice(0, 8));
  });

  test.for([16, 20])("%i tokens of 16: nothing happens, bit for bit", (tokens) => {
    const encoder = randomEncoder(true);
    const plain = encode(encoder, { method: "none" });
    for (const compression of [
      { method: "vmtc", tokens },
      { method: "prune-last", tokens },
      { method: "prumerge", tokens },
      { method: "pool", factor: 1 },
    ] as const) {
      const { features, stages } = encode(encoder, compression);
      expect(features).toEqual(plain.features);
      expect(stages).toEqual([]);
    }
  });

  test.for([0, 1, "auto"] as const)("down to one token, clusters %s", (clusters) => {
    const { stages, features } = encode(randomEncoder(true), { method: "vmtc", tokens: 1, clusters });
    expect(features.length).toBe(8);
    expect(features.every(Number.isFinite)).toBe(true);
    expect(stages.at(-1)!.primary.length).toBe(clusters === 0 ? 1 : 0); // k = 0: everything merges
  });

  test("equal importance at the border, duplicates and zero tokens", () => {
    const z = Float64Array.of(...[9, 9], ...[1, 1], ...[0, 0], ...[1, 1], ...[0, 0], ...[2, 2]);
    const scores = Float64Array.of(0.2, 0.1, 0.2, 0.1, 0.2);
    const settings = { tokens: 3, clusters: 2, merge: "normalized", iterations: 10 } as const;
    const stage = compressStage(z, 2, scores, initialOrigins(5), 0, settings);
    expect(stage.primary).toEqual([0]);
    expect(stage.redundant).toEqual([1, 2, 3, 4]);
    // Both seeds are zero rows, so all cosines tie: cluster 0 takes all, and the first row goes to fill cluster 1.
    // The next round's centre of rows 1 to 3 points to (1, 1); row 0, at cosine 0, fills cluster 1 again.
    expect(stage.labels).toEqual([0, 1, 1, 1]);
    expectClose("tokens", stage.tokens, [9, 9, 1, 1, 0, 0, 1.2, 1.2], 1e-15);
  });

  test("a block that is never run is refused", () => {
    const encoder = randomEncoder(true);
    expect(() => encode(encoder, { method: "vmtc", blocks: [4] }, -2)).toThrow(RangeError);
    expect(() => encode(encoder, { method: "vmtc", stages: 7 })).toThrow(RangeError);
  });
});

describe("pool", () => {
  test("windows at the right and bottom average what they hold", () => {
    expect([...pool([0, 1, 2, 3, 4, 5, 6, 7, 8], 3, 3, 2)]).toEqual([2, 3.5, 6.5, 8]);
  });
});

describe("PruMerge", () => {
  test("keeps outliers above Q3 + 1.5 (Q3 - Q1), at least the largest", () => {
    expect(prumergeKept(Float64Array.of(1, 2, 3, 4, 100))).toEqual([4]);
    expect(prumergeKept(Float64Array.of(1, 2, 3, 4, 5))).toEqual([4]);
    // Q1 = 2, Q3 = 4: the border itself, 7, is not above it.
    expect(prumergeKept(Float64Array.of(1, 2, 2, 3, 3, 3, 4, 7, 50))).toEqual([8]);
    expect(prumergeKept(Float64Array.of(1, 2, 2, 3, 3, 3, 4, 7.01, 50))).toEqual([7, 8]);
    expect(prumergeKept(Float64Array.of(0, 0, 0, 0, 0, 0, 0, 8, 9))).toEqual([7, 8]);
    expect(prumergeKept(Float64Array.of(3, 1, 2), 3)).toEqual([0, 2]);
  });

  test("a kept token takes up its 32 nearest dropped ones, the last token all", () => {
    // One kept; 40 dropped whose keys turn away from it step by step.
    const count = 41;
    const scores = Float64Array.from({ length: count }, (_, i) => (i === 0 ? 1 : 0.01));
    const keys = Float64Array.from({ length: count * 2 }, (_, i) => {
      const angle = Math.floor(i / 2) * 0.05;
      return i % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
    });
    const x = Float64Array.from({ length: count }, (_, i) => i);
    const { features, kept } = prumerge(x, keys, scores, 2);
    expect(kept).toEqual([0]);
    expectClose("features", features, [(0.01 * (32 * 33)) / 2, (0.01 * (40 * 41)) / 2], 1e-12);
  });

  test("head mean of the keys", () => {
    expect([...meanKeys([1, 2, 3, 4, 5, 6, 7, 8], 2, 2)]).toEqual([2, 3, 6, 7]);
  });
});
