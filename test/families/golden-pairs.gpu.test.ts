/** Every folder of golden/families with pairs of pictures and texts: features, embeddings, logits, probabilities. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fovea } from "../../src/engine/fovea.ts";
import { expectClose, expectNmse } from "../support/compare.ts";
import { type GoldenPairs, loadPairs, PAIR_FOLDERS, rowOf } from "../support/golden-pairs.ts";
import { useDevice } from "../support/gpu.ts";
import { describeShared, needing, sharedBytes, sharedUrl } from "../support/shared.ts";
import { NMSE_JPEG, NMSE_MODEL } from "../support/tolerances.ts";

/** A tanh GELU in place of an exact one moves logits by 3e-4; f32 was seen to move them by 1e-5. */
const ABSOLUTE_LOGIT = 1e-4;

// Their pictures are photographs of ../shared.
describeShared(needing("real/photos", "pairs"), () => {
  test("folders", () => expect(PAIR_FOLDERS.length).toBeGreaterThanOrEqual(4));

  const { device } = useDevice();

  describe.for(PAIR_FOLDERS)("%s", (folder) => {
    let golden: GoldenPairs;
    let fovea: Fovea;
    beforeAll(async () => {
      golden = await loadPairs(folder);
      const root = sharedUrl(`golden/families/${folder}/model`);
      fovea = await Fovea.load(root, { weights: "f32", precision: "f32", device: device() });
    });
    afterAll(() => {
      fovea.dispose();
      expect(fovea.memory.gpuBytes).toBe(0);
    });

    const picture = async (name: string) => new Blob([await sharedBytes(name)]);
    const entry = (name: string) => golden.expected.get(name)!;

    test("texts, in one batch and alone", async () => {
      const { embeddings, tokens } = await fovea.encodeText(golden.texts);
      expect(tokens).toEqual(golden.textTokens);
      expect([embeddings.rows, embeddings.cols]).toEqual(entry("text.embeds").shape);
      expect(embeddings.cols).toBe(fovea.info.embedding!.width);
      expectNmse("text.embeds", embeddings.data, entry("text.embeds").data, NMSE_MODEL);
      const alone = await fovea.encodeText([golden.texts[4]!]);
      expectNmse("text 4", alone.embeddings.data, rowOf(entry("text.embeds"), 4), NMSE_MODEL);
    });

    test("pictures", async () => {
      for (const [i, name] of golden.pictures.entries()) {
        const { features, embedding } = await fovea.encodeImage(await picture(name));
        const limit = name.endsWith(".jpg") ? NMSE_JPEG : NMSE_MODEL;
        expectNmse(`image.hidden of ${name}`, features.data, rowOf(entry("image.hidden"), i), limit);
        expectNmse(`image.embeds of ${name}`, embedding!, rowOf(entry("image.embeds"), i), limit);
      }
    });

    test("scores of every picture and text", async () => {
      for (const [i, name] of golden.pictures.entries()) {
        const { logits, probabilities } = await fovea.score(await picture(name), golden.texts);
        expectClose(name, logits, rowOf(entry("logits_per_image"), i), 0, ABSOLUTE_LOGIT);
        expectClose(name, probabilities, rowOf(entry("probabilities"), i), 0, ABSOLUTE_LOGIT);
      }
    });

    test("labels in a template, and stored embeddings", async () => {
      const { labels, template, texts } = golden;
      expect(labels.map((label) => template.replace("{}", label))).toEqual(texts.slice(0, labels.length));
      const { logits } = await fovea.score(await picture(golden.pictures[0]!), labels, { template });
      const expected = rowOf(entry("logits_per_image"), 0).slice(0, labels.length);
      expectClose("labels", logits, expected, 0, ABSOLUTE_LOGIT);

      const { embedding } = await fovea.encodeImage(await picture(golden.pictures[0]!));
      const { embeddings } = await fovea.encodeText(texts.slice(0, labels.length));
      const { scale, bias } = fovea.info.embedding!.comparison!;
      const own = labels.map((_, row) => {
        const text = embeddings.data.subarray(row * embeddings.cols, (row + 1) * embeddings.cols);
        return scale * text.reduce((sum, value, j) => sum + value * embedding![j]!, 0) + bias;
      });
      expectClose("stored", own, expected, 0, ABSOLUTE_LOGIT);
    });

    test("more texts than fit in a batch", async () => {
      const many = Array.from({ length: 70 }, (_, i) => golden.texts[i % golden.texts.length]!);
      const { embeddings } = await fovea.encodeText(many);
      const expected = many.flatMap((_, i) => rowOf(entry("text.embeds"), i % golden.texts.length));
      expectNmse("many", embeddings.data, expected, NMSE_MODEL);
    });
  });
});
