/**
 * Wrong settings for pictures (compression, inhibition) and wrong pixels, of a model with images: each is refused by a
 * message that names the field and leaves the memory as it was. Then what such models cannot do.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Compression, ImageInput, Inhibition, InspectRequest, Message, ModelFiles } from "../../src/index.ts";
import { Fovea } from "../../src/index.ts";
import { CHAT_DEFAULTS, chatFiles } from "../support/chat-files.ts";
import {
  type CountedDevice,
  changed,
  countedDevice,
  expectRefusal,
  type Files,
  json,
  type Refusal,
} from "../support/engine.ts";
import { CLASSIFIER_BLOCKS, CLASSIFIER_SIDE, classifierFiles, referenceClasses } from "../support/random-models.ts";

/** Of golden/clip-llama-f32. */
const IMAGE_ID = 319;
const SIDE = 112;

function pictureOf(width: number, height: number): ImageData {
  const image = new ImageData(width, height);
  for (let i = 0; i < image.data.length; i++) image.data[i] = i % 4 === 3 ? 255 : (i * 7) % 251;
  return image;
}

const COMPRESSIONS: { compression: unknown; kind: Refusal; says: RegExp }[] = [
  { compression: null, kind: TypeError, says: /compression must be an object with a method, got null/ },
  { compression: "vmtc", kind: TypeError, says: /compression must be an object with a method, got "vmtc"/ },
  { compression: {}, kind: TypeError, says: /compression\.method must be .*, got undefined/ },
  { compression: { method: "zip" }, kind: TypeError, says: /compression\.method must be "none", .*, got "zip"/ },
  { compression: { method: "vmtc", tokens: 0 }, kind: RangeError, says: /compression\.tokens .* from 1 .* got 0/ },
  { compression: { method: "vmtc", tokens: "32" }, kind: RangeError, says: /compression\.tokens .* got 32/ },
  { compression: { method: "vmtc", ratio: 0 }, kind: RangeError, says: /compression\.ratio .* got 0/ },
  { compression: { method: "vmtc", ratio: Number.NaN }, kind: RangeError, says: /compression\.ratio .* got NaN/ },
  { compression: { method: "vmtc", stages: 8 }, kind: RangeError, says: /compression\.stages .* from 1 to 7, got 8/ },
  { compression: { method: "vmtc", blocks: [] }, kind: RangeError, says: /compression\.blocks is empty/ },
  { compression: { method: "vmtc", blocks: 3 }, kind: TypeError, says: /compression\.blocks must be a list/ },
  {
    compression: { method: "vmtc", blocks: [6] },
    kind: RangeError,
    says: /a stage in block 6, but only blocks 0 to 5/,
  },
  { compression: { method: "vmtc", blocks: [3, 1] }, kind: RangeError, says: /ascending and distinct, got \[3,1\]/ },
  { compression: { method: "vmtc", clusters: -1 }, kind: RangeError, says: /compression\.clusters .* got -1/ },
  { compression: { method: "vmtc", merge: "sum" }, kind: TypeError, says: /compression\.merge must be/ },
  { compression: { method: "vmtc", iterations: 0 }, kind: RangeError, says: /compression\.iterations .* got 0/ },
  { compression: { method: "vmtc", positions: "new" }, kind: TypeError, says: /compression\.positions must be/ },
  { compression: { method: "prune-last" }, kind: RangeError, says: /compression\.tokens .* got undefined/ },
  { compression: { method: "pool", factor: 0 }, kind: RangeError, says: /compression\.factor .* got 0/ },
  { compression: { method: "prumerge", tokens: 1 }, kind: RangeError, says: /compression\.tokens .* from 2 .* got 1/ },
];

const INHIBITIONS: { inhibition: unknown; kind: Refusal; says: RegExp }[] = [
  { inhibition: null, kind: TypeError, says: /inhibition must be an object .*, got null/ },
  { inhibition: { maxRatio: 1.1 }, kind: RangeError, says: /inhibition\.maxRatio .* from 0 to 1, got 1\.1/ },
  { inhibition: { maxRatio: 0.5, score: "love" }, kind: TypeError, says: /inhibition\.score must be .*, got "love"/ },
  { inhibition: { maxRatio: 0.5, discount: 2 }, kind: RangeError, says: /inhibition\.discount .* got 2/ },
  { inhibition: { maxRatio: 0.5, scores: "raw" }, kind: TypeError, says: /inhibition\.scores must be .*, got "raw"/ },
  { inhibition: { maxRatio: 0.5, schedule: "now" }, kind: TypeError, says: /inhibition\.schedule must be/ },
  { inhibition: { maxRatio: 0.5, scope: "all" }, kind: TypeError, says: /inhibition\.scope must be/ },
];

const pixels = (length = 3 * SIDE * SIDE, shape = [3, SIDE, SIDE]) => ({ data: new Float32Array(length), shape });
const withNaN = () => {
  const values = pixels();
  values.data[7] = Number.NaN;
  return values;
};

const INSPECT: { what: string; request: () => object; kind: Refusal; says: RegExp }[] = [
  {
    what: "an image id too few",
    request: () => ({ inputIds: [1, 5], pixelValues: [pixels()] }),
    kind: TypeError,
    says: /the prompt has 0 image placeholders \(id 319\) for 1 images/,
  },
  {
    what: "an image id too many",
    request: () => ({ inputIds: [1, IMAGE_ID, IMAGE_ID], pixelValues: [pixels()] }),
    kind: TypeError,
    says: /the prompt has 2 image placeholders \(id 319\) for 1 images/,
  },
  {
    what: "an image id without a picture",
    request: () => ({ inputIds: [1, IMAGE_ID] }),
    kind: TypeError,
    says: /the prompt has 1 image placeholders \(id 319\) for 0 images/,
  },
  {
    what: "pixels of another size",
    request: () => ({ inputIds: [IMAGE_ID], pixelValues: [pixels(3 * 56 * 56, [3, 56, 56])] }),
    kind: TypeError,
    says: /pixelValues must be a Float32Array of shape \[3,112,112\], got shape \[3,56,56\]/,
  },
  {
    what: "too few pixels",
    request: () => ({ inputIds: [IMAGE_ID], pixelValues: [pixels(100)] }),
    kind: TypeError,
    says: /pixelValues of shape \[3,112,112\] has 100 values, not 37632/,
  },
  {
    what: "pixels of another type",
    request: () => ({ inputIds: [IMAGE_ID], pixelValues: [{ data: new Float64Array(9), shape: [3, SIDE, SIDE] }] }),
    kind: TypeError,
    says: /pixelValues must be a Float32Array/,
  },
  {
    what: "a picture in place of pixels",
    request: () => ({ inputIds: [IMAGE_ID], pixelValues: [pictureOf(SIDE, SIDE)] }),
    kind: TypeError,
    says: /pixelValues must be a Float32Array of shape \[3,112,112\], got shape undefined/,
  },
  {
    what: "null for pixels",
    request: () => ({ inputIds: [IMAGE_ID], pixelValues: [null] }),
    kind: TypeError,
    says: /each of pixelValues must be an object with fields, got Null/,
  },
  {
    what: "pixels that are NaN",
    request: () => ({ inputIds: [IMAGE_ID], pixelValues: [withNaN()] }),
    kind: RangeError,
    says: /pixelValues must be finite numbers, got NaN at 7/,
  },
  {
    what: "pictures that fill the context",
    request: () => ({
      inputIds: [1, IMAGE_ID, IMAGE_ID, IMAGE_ID, IMAGE_ID],
      pixelValues: [pixels(), pixels(), pixels(), pixels()],
    }),
    kind: "context-full",
    says: /the prompt has 257 tokens, the context holds 240/,
  },
];

describe("wrong settings for pictures", () => {
  let counted: CountedDevice;
  let files: ModelFiles;
  let fovea: Fovea;

  const messages = (image: unknown): Message[] => [
    {
      role: "user",
      content: [
        { type: "image", image: image as ImageInput },
        { type: "text", text: "What?" },
      ],
    },
  ];
  const ask = (image: unknown, settings: object = {}) =>
    fovea.generate({ messages: messages(image), maxTokens: 3, ...settings }).text();

  beforeAll(async () => {
    counted = await countedDevice();
    files = await chatFiles();
    fovea = await Fovea.load(files, { device: counted.device, maxContext: 240 });
  }, 180_000);
  afterAll(() => {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
    expect(counted.live()).toEqual([]);
    counted.release();
  });

  async function expectUnchanged(run: () => unknown, kind: Refusal, says: RegExp): Promise<void> {
    const { gpuBytes } = fovea.memory;
    const live = counted.live().length;
    await expectRefusal(run, kind, says);
    expect(fovea.memory.gpuBytes).toBe(gpuBytes);
    expect(counted.live().length).toBe(live);
  }

  test.for(COMPRESSIONS)("compression $compression", async ({ compression, kind, says }) => {
    const wrong = compression as Compression;
    await expectUnchanged(() => fovea.encodeImage(pictureOf(9, 9), { compression: wrong }), kind, says);
    await expectUnchanged(() => ask(pictureOf(9, 9), { compression }), kind, says);
    await expectUnchanged(
      () => fovea.generate({ messages: [{ role: "user", content: "Hi" }], compression: wrong }).text(),
      kind,
      says,
    );
    await expectUnchanged(() => fovea.inspect({ inputIds: [1], compression: wrong }), kind, says);
  });

  test.for(INHIBITIONS)("inhibition $inhibition", async ({ inhibition, kind, says }) => {
    await expectUnchanged(() => ask(pictureOf(9, 9), { inhibition }), kind, says);
    await expectUnchanged(() => fovea.inspect({ inputIds: [1], inhibition: inhibition as Inhibition }), kind, says);
  });

  test.for(INSPECT)("inspect with $what", async ({ request, kind, says }) => {
    const inspect = () => fovea.inspect(request() as InspectRequest);
    // The first time frees what a conversation had kept, since the sequence becomes another's.
    await expectRefusal(inspect, kind, says);
    await expectUnchanged(inspect, kind, says);
  });

  test("features taken so early that the usual stages do not run", async () => {
    const config = { ...json(files as Files, "config.json"), vision_feature_layer: 2 };
    const load = (defaults: object) =>
      Fovea.load(changed(files, { "config.json": config, "fovea.json": { defaults } }), {
        device: counted.device,
        maxContext: 240,
      });
    const live = counted.live().length;
    await expectRefusal(
      () => load(CHAT_DEFAULTS),
      "unsupported-model",
      /fovea\.json: defaults\.compression: .*a stage in block 3, but only blocks 0 to 1 of this encoder run/,
    );
    expect(counted.live().length).toBe(live);
    // One of three stages is left, in block 1; it still halves the tokens.
    using early = await load({ compression: { method: "vmtc", blocks: [1] } });
    const generation = early.generate({ messages: messages(pictureOf(20, 30)), maxTokens: 2 });
    await generation.text();
    expect(generation.stats).toMatchObject({ imageTokensBefore: 64, imageTokensAfter: 32 });
    await expectRefusal(
      () => early.encodeImage(pictureOf(9, 9), { compression: { method: "vmtc" } }),
      RangeError,
      /a stage in block 3, but only blocks 0 to 1 of this encoder run/,
    );
  });

  test("a classifier", async () => {
    using vit = await Fovea.load(classifierFiles(), { device: counted.device });
    const unsupported = "unsupported-model";
    const says = /has no decoder; for a classifier there is encodeImage|needs a decoder; for a classifier/;
    await expectRefusal(() => vit.inspect({ inputIds: [1] }), unsupported, says);
    await expectRefusal(() => vit.generate({ messages: messages(pictureOf(9, 9)) }).text(), unsupported, says);
    const compression: Compression = { method: "vmtc", blocks: [CLASSIFIER_BLOCKS] };
    const behindTheLast = () => vit.encodeImage(pictureOf(9, 9), { compression });
    await expectRefusal(behindTheLast, RangeError, /a stage in block 6, but only blocks 0 to 5/);
    const picture = pictureOf(CLASSIFIER_SIDE, CLASSIFIER_SIDE);
    const expected = referenceClasses(picture.data.filter((_, i) => i % 4 < 3));
    const { classes } = await vit.encodeImage(picture, { compression: { method: "none" } });
    for (const { id, probability } of classes!) expect(probability).toBeCloseTo(expected[id]!, 5);
  });
});
