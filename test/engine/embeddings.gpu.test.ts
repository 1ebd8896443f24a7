/** Embeddings beyond the golden pairs: compressed pictures, one tower alone, a worker, aborts, planned memory, refusals. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readModel } from "../../src/engine/read-model.ts";
import { Fovea, type LoadOptions, planModel } from "../../src/index.ts";
import { TextEmbedder } from "../../src/model/encoder/text-embedder.ts";
import { Weights } from "../../src/model/load/fill.ts";
import { matchTensors } from "../../src/model/load/match.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { openFolder } from "../../src/weights/folder.ts";
import { createFovea } from "../../src/worker/client.ts";
import { poolClass, poolProbe } from "../reference/model/pooling.ts";
import type { VisionConfig } from "../reference/model/settings.ts";
import { encodeImage } from "../reference/model/vision.ts";
import { type Weights as ReferenceWeights, readSafetensors } from "../reference/model/weights.ts";
import { expectNmse } from "../support/compare.ts";
import { expectRefusal } from "../support/engine.ts";
import { type GoldenPairs, loadPairs, rowOf } from "../support/golden-pairs.ts";
import { useGpu } from "../support/gpu.ts";
import { describeShared, needing, sharedBytes, sharedUrl } from "../support/shared.ts";
import { NMSE_MODEL } from "../support/tolerances.ts";
import { type Files, towerFiles, towerOf } from "../support/tower-files.ts";

const CLIP = "clip-f32";
const SIGLIP = "siglip-bf16";
/** A PNG, which all decoders read alike. */
const PICTURE = "real/photos/coins_gray.png";
const picture = async () => new Blob([await sharedBytes(PICTURE)]);

/** A golden model's image encoder, as the reference takes it. */
const DEFAULTS = {
  [CLIP]: { hidden_act: "quick_gelu", layer_norm_eps: 1e-5 },
  [SIGLIP]: { hidden_act: "gelu_pytorch_tanh", layer_norm_eps: 1e-6 },
};

function referenceNames(weights: ReferenceWeights): ReferenceWeights {
  return new Map([...weights].map(([name, tensor]) => [name.replace(/^vision_model\./, "vision."), tensor]));
}

describeShared(needing("golden/families", "embeddings"), () => {
  // Models on one device share their pipelines.
  const { gpu } = useGpu();
  const load = (files: Files, options: LoadOptions = {}) => Fovea.load(files, { ...options, device: gpu().device });
  let clip: GoldenPairs;
  let clipFiles: Files;
  beforeAll(async () => {
    clip = await loadPairs(CLIP);
    clipFiles = await towerFiles(CLIP);
  });
  const imageRow = () => rowOf(clip.expected.get("image.embeds")!, clip.pictures.indexOf(PICTURE));

  describe.for([CLIP, SIGLIP] as const)("%s", (folder) => {
    const precise = { weights: "f32", precision: "f32" } as const;
    let files: Files;
    let fovea: Fovea;
    beforeAll(async () => {
      files = await towerFiles(folder);
      fovea = await load(files, precise);
    });
    afterAll(() => fovea.dispose());

    test("planned memory", async () => {
      const plan = await planModel(files, { ...precise, device: gpu().device });
      expect(plan.gpu.totalBytes).toBe(fovea.memory.gpuBytes);
      expect(plan.contextLength).toBe(0);
      const names = (await planModel(sharedUrl(`golden/families/${folder}/model`), { cache: "none" })).files.map(
        ({ name }) => name,
      );
      expect(names).toContain("tokenizer.json");

      const source = openFolder(files);
      const { spec } = await readModel(source, {});
      const matched = matchTensors(spec, (await openCheckpoint(source)).tensors);
      const owner = gpu().arena.scope();
      const weights = new Weights(owner, matched);
      const rehearsed = new TextEmbedder(gpu(), owner, weights, spec.textEncoder!);
      await gpu().compile((recorder) => rehearsed.rehearse(recorder));
      const arena = owner.scope();
      const texts = new TextEmbedder(gpu(), arena, weights, spec.textEncoder!);
      const longest = new Array<number>(spec.textEncoder!.maxTokens).fill(1);
      await texts.embed(gpu(), new Array(100).fill(longest));
      expect(plan.gpu.textBytes).toBe(arena.peakBytes);
      owner.dispose();
    });

    test("a picture under vmtc", async () => {
      const golden = await loadPairs(folder);
      const weights = readSafetensors(files["model.safetensors"]!);
      const parsed = JSON.parse(new TextDecoder().decode(files["config.json"]!));
      const config: VisionConfig = { ...DEFAULTS[folder], ...parsed.vision_config };
      const pixels = rowOf(golden.expected.get("pixels")!, golden.pictures.indexOf(PICTURE));
      const isClip = folder === CLIP;
      const options = { featureLayer: -1, keepClassToken: isClip, postNorm: !isClip };
      const pool = isClip ? poolClass : poolProbe;
      for (const ratio of [0.5, 0.25]) {
        const compression = { method: "vmtc", ratio, stages: 2 } as const;
        const expected = encodeImage(pixels, config, referenceNames(weights), { ...options, compression });
        const { features, embedding, stages } = await fovea.encodeImage(await picture(), { compression });
        expect(stages).toHaveLength(2);
        for (const [i, stage] of stages.entries()) {
          expect([...stage.primary]).toEqual([...expected.stages[i]!.primary]);
          expect([...stage.labels]).toEqual([...expected.stages[i]!.labels]);
        }
        expectNmse(`features at ${ratio}`, features.data, expected.features, NMSE_MODEL);
        expectNmse(`embedding at ${ratio}`, embedding!, pool(expected.features, config, weights), NMSE_MODEL);
      }
      // And without compression the reference is the golden value.
      const plain = encodeImage(pixels, config, referenceNames(weights), {
        ...options,
        compression: { method: "none" },
      });
      const row = rowOf(golden.expected.get("image.embeds")!, golden.pictures.indexOf(PICTURE));
      expectNmse("plain", pool(plain.features, config, weights), row, 1e-12);
    });
  });

  describe("one tower", () => {
    test("of pictures, with its projection, from a file of both", async () => {
      const files = await towerFiles(CLIP, towerOf("vision_config", "CLIPVisionModelWithProjection"));
      using fovea = await load(files);
      expect(fovea.info.embedding).toEqual({ width: 40, pictures: true, texts: false, maxTokens: 0 });
      const { embedding } = await fovea.encodeImage(await picture());
      expectNmse("embedding", embedding!, imageRow(), NMSE_MODEL);
      await expectRefusal(() => fovea.encodeText(["a"]), "unsupported-model", /no text encoder/);
      await expectRefusal(async () => fovea.score(await picture(), ["a"]), "unsupported-model", /no text encoder/);
    });

    test("of pictures, pooled only", async () => {
      const files = await towerFiles(CLIP, towerOf("vision_config", "CLIPVisionModel"));
      using fovea = await load(files);
      const { embedding } = await fovea.encodeImage(await picture());
      const pooled = rowOf(clip.expected.get("image.pooled")!, clip.pictures.indexOf(PICTURE));
      const length = Math.hypot(...pooled);
      expectNmse(
        "embedding",
        embedding!,
        pooled.map((value) => value / length),
        NMSE_MODEL,
      );
    });

    test("of pictures without a head has no embedding", async () => {
      const change = towerOf("vision_config", "SiglipVisionModel");
      const files = await towerFiles(SIGLIP, (config) => ({ ...change(config), vision_use_head: false }));
      using fovea = await load(files);
      expect(fovea.info.embedding).toBeUndefined();
      const { features, embedding } = await fovea.encodeImage(await picture());
      expect([features.rows, embedding]).toEqual([36, undefined]);
    });

    test("of texts", async () => {
      const files = await towerFiles(CLIP, towerOf("text_config", "CLIPTextModelWithProjection"));
      using fovea = await load(files);
      expect(fovea.info).toMatchObject({
        takesPictures: false,
        canGenerate: false,
        embedding: { width: 40, pictures: false, texts: true, maxTokens: 40 },
      });
      const { embeddings } = await fovea.encodeText(clip.texts);
      expectNmse("texts", embeddings.data, clip.expected.get("text.embeds")!.data, NMSE_MODEL);
      await expectRefusal(
        async () => fovea.score(await picture(), ["a"]),
        "unsupported-model",
        /no encoder of pictures/,
      );
      await expectRefusal(async () => fovea.encodeImage(await picture()), "unsupported-model", /reads text only/);
    });
  });

  describe("both towers", () => {
    let fovea: Fovea;
    beforeAll(async () => {
      fovea = await load(clipFiles);
    });
    afterAll(() => fovea.dispose());

    test("in a worker", async () => {
      const remote = await createFovea(clipFiles);
      expect(remote.info).toEqual(fovea.info);
      const here = await fovea.score(await picture(), clip.texts);
      const there = await remote.score(await picture(), clip.texts);
      expect([there.logits, there.probabilities]).toEqual([here.logits, here.probabilities]);
      const { embeddings } = await remote.encodeText(clip.texts);
      expectNmse("texts", embeddings.data, clip.expected.get("text.embeds")!.data, NMSE_MODEL);
      const { embedding } = await remote.encodeImage(await picture());
      expectNmse("embedding", embedding!, imageRow(), NMSE_MODEL);
      await expectRefusal(() => remote.encodeText([]), RangeError, /at least one string/);
      await expectRefusal(() => remote.encodeText(["a"], { signal: AbortSignal.abort() }), "aborted", /aborted/);
      remote.dispose();
    });

    test("an abort between batches leaves nothing behind", async () => {
      const { gpuBytes } = fovea.memory;
      const many = Array.from({ length: 500 }, () => clip.texts[6]!);
      const controller = new AbortController();
      const running = fovea.encodeText(many, { signal: controller.signal });
      setTimeout(() => controller.abort(), 1);
      await expectRefusal(() => running, "aborted", /texts|abort/);
      expect(fovea.memory.gpuBytes).toBe(gpuBytes);
      const { embeddings } = await fovea.encodeText(clip.texts);
      expectNmse("texts", embeddings.data, clip.expected.get("text.embeds")!.data, NMSE_MODEL);
    });

    test("arguments", async () => {
      const wrong = (texts: unknown) => () => fovea.encodeText(texts as string[]);
      await expectRefusal(wrong("cat"), TypeError, /texts must be a list of strings, got string/);
      await expectRefusal(wrong(["cat", 5]), TypeError, /texts\[1\] must be a string, got number/);
      await expectRefusal(wrong([]), RangeError, /at least one string/);
      await expectRefusal(wrong(["a".repeat(2 ** 18 + 1)]), RangeError, /262145 characters/);
      const image = await picture();
      await expectRefusal(
        () => fovea.score(image, ["a"], { template: "a cat" }),
        TypeError,
        /\{\} in the label's place/,
      );
      const diverse = { method: "diverse", tokens: 4 } as const;
      await expectRefusal(() => fovea.encodeImage(image, { compression: diverse }), RangeError, /no(ne)?/);
      await expectRefusal(() => fovea.generate({ messages: [] }).text(), "unsupported-model", /./);
    });
  });

  test("packed weights stay near", async () => {
    for (const [weights, limit] of [
      ["f16", 1e-5],
      ["q8", 2e-2],
    ] as const) {
      using fovea = await load(clipFiles, { weights });
      const { embeddings } = await fovea.encodeText(clip.texts);
      expectNmse(weights, embeddings.data, clip.expected.get("text.embeds")!.data, limit);
    }
  });

  test("a scale that is not finite is refused", async () => {
    const bytes = clipFiles["model.safetensors"]!.slice();
    const header = new TextDecoder().decode(
      bytes.subarray(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))),
    );
    const [start] = JSON.parse(header).logit_scale.data_offsets as [number];
    new DataView(bytes.buffer).setFloat32(8 + header.length + start, 100, true);
    await expectRefusal(() => load({ ...clipFiles, "model.safetensors": bytes }), "bad-weights", /scale or bias/);
  });
});
