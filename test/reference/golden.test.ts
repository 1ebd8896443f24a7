/** The references against the golden checkpoints: every setting, every entry. */
import { describe, expect, test } from "vitest";
import { expectNmse } from "../support/compare.ts";
import {
  GOLDEN_NAMES,
  type Golden,
  type GoldenName,
  goldenEntries,
  goldenSettings,
  loadGolden,
} from "../support/golden.ts";
import { NMSE_STORED_AS_F32 } from "../support/tolerances.ts";
import { argmax, decode, extendPrompt } from "./model/decoder.ts";
import { type LlavaResult, runLlava } from "./model/llava.ts";

/** Settings whose greedy tokens are also chosen one by one, without the expected tokens. */
const STEPPED = ["base", "vmtc50cmai60"];

/** The values that golden files call `key` within a setting, or undefined. */
function entryOf(result: LlavaResult, key: string): ArrayLike<number> | undefined {
  const [, image, stage, layer, field] = /^(?:image(\d)\.)?(?:stage(\d)\.)?(?:layer(\d)\.)?(\w+)$/.exec(key) ?? [];
  if (stage !== undefined) {
    const record = result.images[Number(image)]!.stages[Number(stage)]!;
    return field === "ips" ? record.importance : record[field as "primary" | "redundant" | "labels" | "tokens"];
  }
  if (image !== undefined) return result.images[Number(image)]![field as "features" | "kept"];
  if (layer !== undefined) {
    const record = result.layers.find((candidate) => candidate.layer === Number(layer))!;
    return record[field as "focus" | "threshold" | "inhibited"];
  }
  if (field?.startsWith("projected")) return result.images[Number(field.slice(-1))]!.projected;
  return field === "positions" ? result.prompt.positions : field === "logits" ? result.logits : undefined;
}

function compareEntry(key: string, found: ArrayLike<number>, expected: Float64Array): void {
  if (key.endsWith(".threshold")) {
    // -1e30 stands for "sees no image".
    expect(Array.from(found, Number.isNaN), key).toEqual(Array.from(expected, (value) => value < -9e29));
    const seen = [...expected.keys()].filter((i) => expected[i]! > -9e29);
    expectNmse(
      key,
      seen.map((i) => found[i]!),
      seen.map((i) => expected[i]!),
      NMSE_STORED_AS_F32,
    );
  } else if (/\.(primary|redundant|labels|inhibited|kept|positions)$/.test(key)) {
    expect(Array.from(found), key).toEqual(Array.from(expected));
  } else {
    expectNmse(key, found, expected, NMSE_STORED_AS_F32);
  }
}

/**
 * One pass over the prompt and the expected tokens: each token must follow from those before it, which by induction is
 * what stepwise decoding chooses. The masks of the prompt's rows must not change when rows come after them.
 */
function compareGreedy(golden: Golden, setting: string, result: LlavaResult): void {
  const { config, weights, expected } = golden;
  const vocabulary = config.text_config.vocab_size;
  const ids = [...expected.get(`${setting}.greedy`)!.data];
  const inhibition = goldenSettings(result.images[0]!.origins.length)[setting]!.inhibition;
  const extended = extendPrompt(result.prompt, ids, config.text_config, weights);
  const { logits, layers } = decode(extended, config.text_config, weights, inhibition);
  const promptTokens = result.prompt.positions.length;
  const rows = logits.slice((promptTokens - 1) * vocabulary, (promptTokens - 1 + ids.length) * vocabulary);
  expectNmse(`${setting}.greedy_logits`, rows, expected.get(`${setting}.greedy_logits`)!.data, NMSE_STORED_AS_F32);
  const chosen = ids.map((_, i) =>
    argmax(rows.subarray(i * vocabulary, (i + 1) * vocabulary), [config.image_token_index]),
  );
  expect(chosen).toEqual(ids);
  layers.forEach((layer, i) => {
    const prompt = result.layers[i]!;
    expect(layer.inhibited.slice(0, prompt.inhibited.length)).toEqual(prompt.inhibited);
  });
}

async function describeGolden(name: GoldenName): Promise<void> {
  const golden = await loadGolden(name);
  describe(name, () => {
    const compared = new Set(["pixel_values", "input_ids"]);
    const { config, weights, expected, blocks, pixelValues, inputIds } = golden;
    const patches = Math.floor(config.vision_config.image_size / config.vision_config.patch_size) ** 2;
    const settings = Object.entries(goldenSettings(patches)).filter(
      ([setting]) => goldenEntries(expected, setting).length,
    );

    test.for(settings)("%s", { timeout: 60_000 }, ([setting, { compression, inhibition }]) => {
      const greedyTokens = expected.get(`${setting}.greedy`)?.data;
      const result = runLlava(config, weights, {
        pixelValues,
        inputIds,
        compression,
        ...(inhibition ? { inhibition } : {}),
        greedySteps: STEPPED.includes(setting) ? greedyTokens!.length : 0,
      });
      for (const key of goldenEntries(expected, setting)) {
        compared.add(key);
        const found = entryOf(result, key.slice(setting.length + 1));
        if (found) compareEntry(key, found, expected.get(key)!.data);
        else expect(key, "an entry that nothing here compares").toMatch(/\.greedy(_logits)?$/);
      }
      if (greedyTokens) compareGreedy(golden, setting, result);
      if (STEPPED.includes(setting)) expect(result.greedy.ids).toEqual([...greedyTokens!]);

      result.images.forEach((image, i) => {
        image.stages.forEach(({ block }, stage) => {
          const recorded = blocks[`${setting}.image${i}.stage${stage}.block`];
          if (recorded !== undefined) expect(block).toBe(recorded);
        });
      });
      if (setting !== "base") return;
      const { hidden } = result.images.at(-1)!;
      // test/golden has the first and the last.
      for (const ends of [0, hidden.length - 1]) expect([...expected.keys()]).toContain(`vision.hidden${ends}`);
      for (const [i, state] of hidden.entries()) {
        const key = `vision.hidden${i}`;
        compared.add(key);
        if (expected.has(key)) compareEntry(key, state, expected.get(key)!.data);
      }
    });

    test("no entry was left out", () => {
      expect([...expected.keys()].filter((key) => !compared.has(key))).toEqual([]);
    });
  });
}

describe("golden checkpoints", async () => {
  for (const name of GOLDEN_NAMES) await describeGolden(name);
});
