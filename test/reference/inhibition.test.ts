/** Corner cases of attention inhibition: rank and mask, focus scores, and a small random decoder. */
import { describe, expect, test } from "vitest";
import { freshRandom } from "../support/random.ts";
import { sharedJson } from "../support/shared.ts";
import { attention } from "./attention.ts";
import { focusScores } from "./focus.ts";
import { headMeanAttention } from "./head-mean.ts";
import { inhibit, inhibitionRank, inhibitionRatio, inhibitScores } from "./inhibit.ts";
import { decode, extendPrompt, type Prompt } from "./model/decoder.ts";
import type { Inhibition, TextConfig } from "./model/settings.ts";
import type { Weights } from "./model/weights.ts";
import { causal, prefixLm, rangesOf, slidingWindow } from "./visible.ts";

interface RankCase {
  layers: number;
  layer: number;
  tokens: number;
  maxRatio: number;
  inhibited: number;
}

const ranks = await sharedJson<RankCase[]>("golden/ranks.json");
const count = (mask: Uint8Array) => mask.reduce((sum, value) => sum + value, 0);

describe("golden ranks", () => {
  test.for(ranks)("layer $layer of $layers, $tokens tokens, up to $maxRatio: $inhibited", (golden) => {
    const ratio = inhibitionRatio(golden.layer, golden.layers, golden.maxRatio);
    const random = freshRandom("ranks");
    const scores = Float64Array.from({ length: golden.tokens }, () => random.uniform());
    expect(count(inhibitScores(scores, ratio).inhibited)).toBe(golden.inhibited);
    expect(Math.ceil(inhibitionRank(ratio, golden.tokens))).toBe(golden.inhibited);
  });
});

describe("rank and mask", () => {
  test("linear from the first layer to the last; constant; one layer", () => {
    expect([0, 1, 2].map((layer) => inhibitionRatio(layer, 3, 0.5))).toEqual([0, 0.25, 0.5]);
    expect(inhibitionRatio(0, 3, 0.5, "constant")).toBe(0.5);
    expect(inhibitionRatio(0, 1, 0.5)).toBe(0);
  });

  test("the threshold is interpolated, the mask compares with the score above it", () => {
    const { inhibited, threshold } = inhibitScores(Float64Array.of(40, 10, 30, 20), 0.5);
    expect([...inhibited]).toEqual([0, 1, 0, 1]);
    expect(threshold).toBe(25);
  });

  test("an integer rank keeps the score at it", () => {
    const { inhibited, threshold } = inhibitScores(Float64Array.of(1, 2, 3, 4, 5), 0.5);
    expect([...inhibited]).toEqual([1, 1, 0, 0, 0]);
    expect(threshold).toBe(3);
  });

  test("ratio 0 inhibits nothing, ratio 1 all but the largest; one score stays", () => {
    expect(count(inhibitScores(Float64Array.of(3, 1, 2), 0).inhibited)).toBe(0);
    expect([...inhibitScores(Float64Array.of(3, 1, 2), 1).inhibited]).toEqual([0, 1, 1]);
    expect(count(inhibitScores(Float64Array.of(3), 1).inhibited)).toBe(0);
  });

  test("ties and zeros inhibit fewer, never more", () => {
    expect(count(inhibitScores(new Float64Array(5), 0.6).inhibited)).toBe(0);
    expect([...inhibitScores(Float64Array.of(0, 2, 2, 2, 5), 0.6).inhibited]).toEqual([1, 0, 0, 0, 0]);
    // Ranks 2 and 3 differ by one unit in the last place: interpolation would round to either, the comparison does not.
    const above = 1 + 2 ** -52;
    expect([...inhibitScores(Float64Array.of(0, 0, 1, above), 0.8).inhibited]).toEqual([1, 1, 1, 0]);
  });

  test("several images: over all that a row sees, or one by one", () => {
    const images = [
      [1, 2, 3],
      [5, 6, 7],
    ];
    const text = [0, 4, 8];
    const row = [1, 2, 3, 30, 20, 10];
    const focus = [...row, ...row, ...row];
    const together = inhibit(focus, text, images, causal(9), 0.5);
    expect([...together.inhibited]).toEqual([0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0]);
    expect([...together.threshold]).toEqual([Number.NaN, 2, 6.5]);
    const apart = inhibit(focus, text, images, causal(9), 0.5, "image");
    expect([...apart.inhibited]).toEqual([0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
    expect([...apart.threshold]).toEqual([Number.NaN, Number.NaN, 2, Number.NaN, 2, 20]);
  });
});

describe("masks", () => {
  test("the rank follows from the tokens that a row sees, over all images or in each", () => {
    const images = [
      [1, 2, 3, 5, 6],
      [8, 9],
    ];
    const focus = [1, 2, 3, 4, 5, 6, 7];
    const visible = rangesOf(11, (t) => (t === 7 ? [3, 8] : [3, 11]));
    const rows = (scope: "row" | "image") => inhibit([...focus, ...focus], [7, 10], images, visible, 0.5, scope);
    expect([...rows("row").inhibited]).toEqual([...[0, 0, 1, 0, 0, 0, 0], ...[0, 0, 1, 1, 0, 0, 0]]);
    expect([...rows("row").threshold]).toEqual([4, 5]);
    expect([...rows("image").inhibited]).toEqual([...[0, 0, 1, 0, 0, 0, 0], ...[0, 0, 1, 0, 0, 1, 0]]);
    expect([...rows("image").threshold]).toEqual([4, Number.NaN, 4, 6.5]);
  });
});

describe("focus", () => {
  // Sequence: text 0, image 1 and 2, text 3 and 4.
  const A = [
    ...[1, 0, 0, 0, 0],
    ...[0, 0, 0, 0, 0],
    ...[0, 0, 0, 0, 0],
    ...[0.1, 0.2, 0.3, 0.4, 0],
    ...[0.25, 0.125, 0.25, 0.25, 0.125],
  ];
  const scores = (score: Parameters<typeof focusScores>[4], discount?: number) => [
    ...focusScores(A, [0, 3, 4], [1, 2], causal(5), score, discount),
  ];

  test("adds the neighbours' attention by the attention to them, without the row itself", () => {
    expect(scores("focus")).toEqual([0, 0, 0.2, 0.3, 0.125 + 0.25 * 0.2, 0.25 + 0.25 * 0.3]);
  });

  test("the first text row after the only image has F = A", () => {
    expect(scores("focus").slice(2, 4)).toEqual(scores("text-to-image").slice(2, 4));
  });

  test("identity between text rows: F = A, not 2 A", () => {
    const identity = A.map((value, i) => (i === 4 * 5 + 3 ? 0 : value));
    expect([...focusScores(identity, [0, 3, 4], [1, 2], causal(5))]).toEqual(scores("text-to-image"));
  });

  test("sums; d = 1 equals sum, d = 0 equals text-to-image; distance in text rows", () => {
    expect(scores("sum").slice(4)).toEqual([0.125 + 0.2, 0.25 + 0.3]);
    expect(scores("discounted-sum", 1)).toEqual(scores("sum"));
    expect(scores("discounted-sum", 0)).toEqual(scores("text-to-image"));
    // Image 0, text 1, image 2, text 3: the text rows are one apart, whatever lies between.
    const mixed = [...[1, 0, 0, 0], ...[0.5, 0.5, 0, 0], ...[0, 0, 1, 0], ...[0.25, 0.25, 0.25, 0.25]];
    const spread = focusScores(mixed, [1, 3], [0, 2], causal(4), "discounted-sum", 0.5);
    expect([...spread]).toEqual([0.5, 0, 0.25 + 0.5 * 0.5, 0.25]);
  });

  // Text 0, image 1, text 2, image 3, text 4 and 5; all entries are there, seen or not.
  const ALL = Array.from({ length: 36 }, (_, i) => (1 + (i % 6)) / 2 ** (1 + Math.floor(i / 6)));
  const at = (j: number, k: number) => ALL[6 * j + k]!;
  const masked = (visible: number[], score?: Parameters<typeof focusScores>[4], discount?: number) =>
    [0, 1, 2, 3].map((row) => [
      ...focusScores(ALL, [0, 2, 4, 5], [1, 3], visible, score, discount).slice(2 * row, 2 * row + 2),
    ]);

  test("a window: pairs that are not seen are 0 and add nothing", () => {
    // Row 5 sees 3 to 5, row 4 sees 2 to 4, row 2 sees 0 to 2.
    expect(masked(slidingWindow(6, 3))).toEqual([
      [0, 0],
      [at(2, 1), 0],
      [0, at(4, 3)],
      [0, at(5, 3) + at(5, 4) * at(4, 3)],
    ]);
    expect(masked(slidingWindow(6, 3), "sum")[3]).toEqual([0, at(5, 3) + at(4, 3)]);
  });

  test("prefix-LM: a text row adds later rows that it sees, and not itself", () => {
    const visible = prefixLm(6, 5);
    expect(masked(visible)[0]).toEqual([1, 3].map((k) => at(0, k) + at(0, 2) * at(2, k) + at(0, 4) * at(4, k)));
    expect(masked(visible)[2]).toEqual([1, 3].map((k) => at(4, k) + at(4, 0) * at(0, k) + at(4, 2) * at(2, k)));
    // The distance is counted in text rows, in both directions.
    expect(masked(visible, "discounted-sum", 0.5)[1]).toEqual(
      [1, 3].map((k) => at(2, k) + 0.5 * at(0, k) + 0.5 * at(4, k)),
    );
  });

  test("head mean over query heads; logits are 0 where a row does not see", () => {
    const shape = { heads: 4, keyHeads: 2, headWidth: 2 };
    const random = freshRandom("head mean");
    const [q, k] = [random.floats(3 * 8), random.floats(3 * 4)];
    const { logSumExp } = attention(q, k, new Float64Array(12), shape, { visible: causal(3) });
    const weights = headMeanAttention(q, k, logSumExp, shape, { visible: causal(3) });
    for (let t = 0; t < 3; t++) {
      expect(weights.slice(t * 3, t * 3 + 3).reduce((a, b) => a + b)).toBeCloseTo(1, 14);
    }
    const logits = headMeanAttention(q, k, logSumExp, shape, { visible: causal(3) }, "logits");
    expect([logits[1], logits[2], logits[5]]).toEqual([0, 0, 0]);
    let expected = 0;
    for (let h = 0; h < 4; h++) {
      for (let d = 0; d < 2; d++) expected += (q[8 + h * 2 + d]! * k[Math.floor(h / 2) * 2 + d]!) / Math.SQRT2 / 4;
    }
    expect(logits[3]).toBeCloseTo(expected, 12);
  });
});

describe("a random decoder", () => {
  const config: TextConfig = {
    hidden_size: 8,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 11,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
  };

  function randomDecoder(): { weights: Weights; prompt: Prompt } {
    const random = freshRandom("decoder");
    const weights: Weights = new Map();
    const add = (name: string, ...shape: number[]) => {
      const data = Float64Array.from(
        random.floats(
          shape.reduce((a, b) => a * b),
          0.5,
        ),
      );
      weights.set(`text.${name}`, { shape, data });
    };
    add("embed_tokens.weight", 11, 8);
    add("norm.weight", 8);
    for (let layer = 0; layer < 3; layer++) {
      const prefix = `layers.${layer}`;
      for (const name of ["input_layernorm", "post_attention_layernorm"]) add(`${prefix}.${name}.weight`, 8);
      for (const name of ["q_proj", "o_proj"]) add(`${prefix}.self_attn.${name}.weight`, 8, 8);
      for (const name of ["k_proj", "v_proj"]) add(`${prefix}.self_attn.${name}.weight`, 4, 8);
      for (const name of ["gate_proj", "up_proj"]) add(`${prefix}.mlp.${name}.weight`, 6, 8);
      add(`${prefix}.mlp.down_proj.weight`, 8, 6);
    }
    // Text 0, images of 3 and 2 tokens around a text row, text after them.
    const prompt: Prompt = {
      embeddings: Float64Array.from(random.floats(9 * 8)),
      positions: [...Array(9).keys()],
      nextPosition: 9,
      images: [
        [1, 2, 3],
        [5, 6],
      ],
    };
    return { weights, prompt };
  }

  test.for<Inhibition>([
    { maxRatio: 0.8 },
    { maxRatio: 0.8, score: "sum", schedule: "constant" },
    { maxRatio: 0.8, score: "discounted-sum", scope: "image" },
    { maxRatio: 0.8, scores: "logits" },
  ])("rows do not change when rows come after them: %j", (inhibition) => {
    const { weights, prompt } = randomDecoder();
    const short = decode(prompt, config, weights, inhibition);
    const long = decode(extendPrompt(prompt, [4, 7, 2], config, weights), config, weights, inhibition);
    expect(long.logits.slice(0, short.logits.length)).toEqual(short.logits);
    short.layers.forEach((layer, i) => {
      const { focus, inhibited, threshold } = long.layers[i]!;
      expect(focus.slice(0, layer.focus.length)).toEqual(layer.focus);
      expect(inhibited.slice(0, layer.inhibited.length)).toEqual(layer.inhibited);
      expect(threshold.slice(0, layer.threshold.length)).toEqual(layer.threshold);
    });
  });

  test("ratio 0 equals plain attention, and reports no layer", () => {
    const { weights, prompt } = randomDecoder();
    const plain = decode(prompt, config, weights);
    const off = decode(prompt, config, weights, { maxRatio: 0, schedule: "constant" });
    expect(off).toEqual(plain);
    expect(off.layers).toEqual([]);
  });

  test("ratio 1 leaves every row that sees an image one image token, and no NaN", () => {
    const { weights, prompt } = randomDecoder();
    const { logits, layers } = decode(prompt, config, weights, { maxRatio: 1, schedule: "constant" });
    expect(layers.map(({ layer }) => layer)).toEqual([0, 1, 2]);
    // Text rows 0, 4, 7 and 8 see 0, 3, 5 and 5 image tokens.
    for (const { inhibited } of layers) {
      expect([0, 1, 2, 3].map((row) => count(inhibited.slice(row * 5, row * 5 + 5)))).toEqual([0, 2, 4, 4]);
    }
    expect(logits.every(Number.isFinite)).toBe(true);
  });

  test("a prompt of text alone is not inhibited", () => {
    const { weights, prompt } = randomDecoder();
    const text = { ...prompt, images: [] };
    expect(decode(text, config, weights, { maxRatio: 0.6 }).logits).toEqual(decode(text, config, weights).logits);
  });
});
