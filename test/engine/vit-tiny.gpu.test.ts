/** A real trained classifier on real photographs, from the file's bytes to the class, with and without compression. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Compression } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { readSafetensors, type Weights } from "../reference/model/weights.ts";
import { useDevice } from "../support/gpu.ts";
import { describeShared, needing, sharedBytes, sharedJson, sharedUrl } from "../support/shared.ts";

interface Expected {
  results: Record<string, Record<string, { top5: [label: string, probability: number][] }>>;
}

/**
 * The stored results dropped the alpha of this picture; transformers 5 lays white under it. Its five likeliest classes then,
 * by ViTForImageClassification in float64: id -> logit.
 */
const TRANSPARENT = "derived/coffee_alpha.png";
const OVER_WHITE = { 967: 14.95047, 968: 12.27681, 504: 11.35038, 969: 10.83832, 925: 10.03143 };

/** Largest difference of a logit: at full tokens, and where clustering decides what is merged. */
const FULL_TOLERANCE = 1e-4;
const COMPRESSED_TOLERANCE = 1e-3;

describeShared(needing("real/vit-tiny", "vit-tiny"), () => {
  const { device } = useDevice();
  let fovea: Fovea;
  let results: Expected["results"];
  let stored: Weights;
  beforeAll(async () => {
    fovea = await Fovea.load(sharedUrl("real/vit-tiny"), { device: device() });
    ({ results } = await sharedJson<Expected>("real/vit-tiny/expected.json"));
    stored = readSafetensors(await sharedBytes("real/vit-tiny/expected.safetensors"));
  });
  afterAll(() => fovea.dispose());

  const photo = async (name: string) => new Blob([await sharedBytes(`real/photos/${name}`)]);

  test.for([
    { setting: "none", compression: { method: "none" }, tokens: 197 },
    { setting: "98", compression: { method: "vmtc", tokens: 98 }, tokens: 99 },
    { setting: "64", compression: { method: "vmtc", tokens: 64 }, tokens: 65 },
    { setting: "36", compression: { method: "vmtc", tokens: 36 }, tokens: 37 },
  ] as { setting: string; compression: Compression; tokens: number }[])(
    "every photograph, setting $setting",
    async ({ setting, compression, tokens }) => {
      let comparedLogits = 0;
      const opaque = Object.entries(results).filter(([name]) => name !== TRANSPARENT);
      expect(opaque.length).toBe(11);
      for (const [name, expected] of opaque) {
        const { classes, features, stages } = await fovea.encodeImage(await photo(name), { compression });
        expect(features.rows).toBe(tokens);
        const [label, probability] = expected[setting]!.top5[0]!;
        expect(classes![0]!.label, name).toBe(label);
        expect(classes![0]!.probability, name).toBeCloseTo(probability, 3);
        const key = name.replaceAll("/", "_");
        const logits = stored.get(`${key}.${setting}.logits`)?.data;
        if (logits) {
          comparedLogits++;
          const tolerance = setting === "none" ? FULL_TOLERANCE : COMPRESSED_TOLERANCE;
          for (const { id, logit } of classes!)
            expect(Math.abs(logit - logits[id]!), `${name}: class ${id}`).toBeLessThan(tolerance);
        }
        for (const { block, primary } of stages) {
          const kept = stored.get(`${key}.${setting}.block${block}.primary`)?.data;
          if (kept) expect([...primary], `${name}: block ${block}`).toEqual([...kept]);
        }
      }
      // Logits are stored for all pictures, but not for 64 tokens.
      expect(comparedLogits).toBe(setting === "64" ? 0 : 11);
    },
  );

  test("a transparent picture, over white", async () => {
    const { classes } = await fovea.encodeImage(await photo(TRANSPARENT), { compression: { method: "none" } });
    const likeliest = classes!.slice(0, 5);
    expect(likeliest.map(({ id }) => id)).toEqual([967, 968, 504, 969, 925]);
    for (const { id, logit } of likeliest)
      expect(Math.abs(logit - OVER_WHITE[id as keyof typeof OVER_WHITE])).toBeLessThan(FULL_TOLERANCE);
  });
});
