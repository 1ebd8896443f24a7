/**
 * The encoder reference against a real trained ViT, on a photograph that the golden images hold already resized. One
 * setting, because a picture takes seconds in f64; the browser tests run the others through the GPU.
 */
import { expect, test } from "vitest";
import { expectNmse } from "../support/compare.ts";
import { describeShared, needing, sharedBytes, sharedJson } from "../support/shared.ts";
import { NMSE_STORED_AS_F32 } from "../support/tolerances.ts";
import type { VisionConfig } from "./model/settings.ts";
import { classify, encodeImage } from "./model/vision.ts";
import { readCheckpoint, readSafetensors } from "./model/weights.ts";
import { normalize } from "./normalize.ts";

const FOLDER = "real/vit-tiny";

interface Expected {
  /** Tokens kept -> block -> [tokens, clusters]. */
  schedule: Record<string, Record<string, [number, number]>>;
  results: Record<string, Record<string, { top5: [string, number][] }>>;
}

describeShared(needing("real/vit-tiny", "ViT-Tiny"), () => {
  test.for([["originals_large/chelsea.png", 36]] as const)(
    "%s with %i tokens",
    { timeout: 60_000 },
    async ([photo, tokens]) => {
      const config = await sharedJson<VisionConfig & { id2label: Record<string, string> }>(`${FOLDER}/config.json`);
      const weights = readCheckpoint([await sharedBytes(`${FOLDER}/model.safetensors`)]);
      const expected = readSafetensors(await sharedBytes(`${FOLDER}/expected.safetensors`));
      const { schedule, results } = await sharedJson<Expected>(`${FOLDER}/expected.json`);
      const images = readSafetensors(await sharedBytes("golden/images/preprocess.safetensors"));
      const name = photo.replace("/", "_");

      const half = [0.5, 0.5, 0.5];
      const { features, stages } = encodeImage(
        normalize(images.get(`${name}.squash224`)!.data, half, half),
        config,
        weights,
        { featureLayer: -1, keepClassToken: true, compression: { method: "vmtc", tokens } },
      );
      const { logits } = classify(features, config, weights);

      const planned = stages.map(({ block, origins, primary }) => [
        String(block),
        [origins.length, origins.length - primary.length],
      ]);
      expect(Object.fromEntries(planned)).toEqual(schedule[tokens]);
      for (const { block, primary } of stages) {
        expect(primary).toEqual([...expected.get(`${name}.${tokens}.block${block}.primary`)!.data]);
      }
      expectNmse("logits", logits, expected.get(`${name}.${tokens}.logits`)!.data, NMSE_STORED_AS_F32);
      const best = logits.indexOf(Math.max(...logits));
      expect(config.id2label[best]).toBe(results[photo]![tokens]!.top5[0]![0]);
    },
  );
});
