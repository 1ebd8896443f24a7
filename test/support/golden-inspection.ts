/** An engine's inspections of a golden checkpoint against every number that was computed in float64. Browser tests only. */
import { expect } from "vitest";
import type { Inspection } from "../../src/api.ts";
import type { Fovea } from "../../src/engine/fovea.ts";
import { expectNmse } from "./compare.ts";
import { type Golden, goldenEntries, goldenPixels, goldenSettings } from "./golden.ts";
import { NMSE_MODEL, NMSE_RAW_MERGE } from "./tolerances.ts";

/** Compares every setting of the checkpoint; fails with all entries that differ. */
export async function expectGoldenSettings(fovea: Fovea, golden: Golden): Promise<void> {
  const side = golden.config.vision_config.image_size;
  const patches = Math.floor(side / golden.config.vision_config.patch_size) ** 2;
  const pixelValues = goldenPixels(golden);
  const failures: string[] = [];
  let compared = 0;
  for (const [setting, { compression, inhibition }] of Object.entries(goldenSettings(patches))) {
    // An inspection has no positions; the logits that they lead to are compared.
    const entries = goldenEntries(golden.expected, setting).filter((entry) => !entry.endsWith(".positions"));
    if (entries.length === 0) continue;
    const greedySteps = golden.expected.get(`${setting}.greedy`)?.data.length ?? 0;
    const request = { pixelValues, inputIds: golden.inputIds, compression, greedySteps };
    const inspection = await fovea.inspect(inhibition ? { ...request, inhibition } : request);
    const limit = setting.includes("raw") ? NMSE_RAW_MERGE : NMSE_MODEL;
    for (const entry of entries) {
      const expected = golden.expected.get(entry)!.data;
      const actual = inspected(inspection, entry.slice(setting.length + 1));
      try {
        if (entry.endsWith(".threshold")) expectThresholds(entry, actual, expected);
        else if (actual instanceof Float32Array) expectNmse(entry, actual, expected, limit);
        else expect([...actual], entry).toEqual([...expected]);
        compared++;
      } catch (error) {
        failures.push(`${entry}: ${(error as Error).message.slice(0, 300)}`);
      }
    }
  }
  expect(failures).toEqual([]);
  // All but the inputs, the hidden states (test/model/vision.gpu.test.ts) and the positions.
  const others = /^(input_ids|pixel_values|vision\.hidden\d+|.*\.positions)$/;
  expect(compared).toBe([...golden.expected.keys()].filter((key) => !others.test(key)).length);
}

/** The files mark the threshold of a row that sees no image by -1e30, an inspection by NaN. */
function expectThresholds(entry: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  const isThreshold = Array.from(expected, (value) => value > -1e29);
  expect(Array.from(actual, (value) => !Number.isNaN(value))).toEqual(isThreshold);
  const only = (values: ArrayLike<number>) => Array.from(values).filter((_, i) => isThreshold[i]);
  expectNmse(entry, only(actual), only(expected), NMSE_MODEL);
}

/** The value of an inspection that an entry of expected.safetensors is about. */
function inspected(
  { images, layers, logits, greedy, greedyLogits }: Inspection,
  entry: string,
): ArrayLike<number> & Iterable<number> {
  const image = /^image(\d+)\.(features|kept)$/.exec(entry);
  if (image) {
    const found = images[Number(image[1])]!;
    return image[2] === "features" ? found.features.data : found.stages[0]!.primary;
  }
  const stage = /^image(\d+)\.stage(\d+)\.(\w+)$/.exec(entry);
  if (stage) {
    const found = images[Number(stage[1])]!.stages[Number(stage[2])]!;
    if (stage[3] === "ips") return found.importance;
    if (stage[3] === "tokens") return found.tokens.data;
    return found[stage[3] as "primary" | "redundant" | "labels"];
  }
  const layer = /^layer(\d+)\.(\w+)$/.exec(entry);
  if (layer) {
    const found = layers.find((candidate) => candidate.layer === Number(layer[1]))!;
    if (layer[2] === "inhibited") return found.inhibited;
    return found[layer[2] as "focus" | "threshold"].data;
  }
  const projected = /^projected(\d+)$/.exec(entry);
  if (projected) return images[Number(projected[1])]!.projected.data;
  if (entry === "logits") return logits.data;
  if (entry === "greedy") return greedy;
  if (entry === "greedy_logits") return greedyLogits.data;
  throw new Error(`nothing to compare ${entry} with`);
}
