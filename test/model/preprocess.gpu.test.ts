/** From files to pixel values: Pillow's own results bit for bit, random pictures against the reference, and tidiness. */
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { readFloats, readTensor } from "../../src/gpu/readback.ts";
import { decodeImage } from "../../src/image/decode.ts";
import type { Preprocessing } from "../../src/image/geometry.ts";
import { compilePreprocess, type PreprocessOptions, preprocess, resizePicture } from "../../src/model/preprocess.ts";
import type { Picture } from "../../src/shared/picture.ts";
import { readSafetensors } from "../reference/model/weights.ts";
import { normalize } from "../reference/normalize.ts";
import { expectClose } from "../support/compare.ts";
import { freshRandom, useGpu } from "../support/gpu.ts";
import {
  expectSameBytes,
  pixelPicture,
  randomPixels,
  referenceSquare,
  refusal,
  rgbOfWords,
  testPreprocessing,
  toRgb,
} from "../support/pictures.ts";
import { describeShared, needing, sharedBytes, sharedJson } from "../support/shared.ts";
import { ABSOLUTE_NORMALIZE, RELATIVE_ELEMENTWISE } from "../support/tolerances.ts";

interface GoldenImages {
  images: Record<string, { file: string; size: [number, number] }>;
}

describe("preprocess", () => {
  const { gpu } = useGpu();
  let idleBytes = 0;

  beforeAll(async () => {
    await compilePreprocess(gpu());
    idleBytes = gpu().arena.bytes;
  });
  // Nothing stays behind, whatever happened.
  afterEach(() => expect(gpu().arena.bytes).toBe(idleBytes));

  async function bytesOf(picture: Picture, settings: Preprocessing, options?: PreprocessOptions) {
    const scratch = gpu().arena.scope();
    try {
      return rgbOfWords(await readTensor(gpu(), await resizePicture(gpu(), scratch, picture, settings, options)));
    } finally {
      scratch.dispose();
    }
  }

  describeShared(needing("real/photos", "golden pictures, bit for bit"), () => {
    test.for([
      ["pad336", testPreprocessing("pad", 336)],
      ["crop224", testPreprocessing("crop", 224)],
      ["squash224", testPreprocessing("squash", 224)],
    ] as const)("%s", async ([name, settings]) => {
      const golden = readSafetensors(await sharedBytes("golden/images/preprocess.safetensors"));
      const { images: files } = await sharedJson<GoldenImages>("golden/images/preprocess.json");
      expect(Object.keys(files).length).toBeGreaterThan(0);
      for (const [key, { file, size }] of Object.entries(files)) {
        const picture = await decodeImage(new Blob([await sharedBytes(`real/photos/${file}`)]));
        expect([picture.width, picture.height], file).toEqual(size);
        expectSameBytes(file, await bytesOf(picture, settings), golden.get(`${key}.${name}`)!.data);
        picture.close();
      }
    });
  });

  // Below, at and above the size; landscape, portrait, thin; bands of one row, of a few, of all.
  test.for([
    [2, 2, 32],
    [31, 57, 32],
    [64, 64, 64],
    [100, 3, 48],
    [3, 100, 48],
    [203, 150, 56],
    [150, 203, 56],
  ])("%i x %i to %i, every mode, as the reference", async ([width = 0, height = 0, size = 0]) => {
    const pixels = randomPixels(freshRandom("preprocess"), width, height);
    for (const mode of ["pad", "crop", "squash"] as const) {
      const expected = referenceSquare(toRgb(pixels), mode, size);
      for (const bandPixels of [undefined, 64 * 7 * 2, 1]) {
        const options = bandPixels === undefined ? {} : { bandPixels };
        const bytes = await bytesOf(pixelPicture(pixels), testPreprocessing(mode, size), options);
        expectSameBytes(`${mode}, bands of ${bandPixels}`, bytes, expected.data);
      }
    }
  });

  test("pixel values: normalised planes, in the caller's arena", async () => {
    const pixels = randomPixels(freshRandom("pixel values"), 90, 70);
    const settings = testPreprocessing("pad", 40);
    const arena = gpu().arena.scope();
    const values = await preprocess(gpu(), arena, pixelPicture(pixels), settings);
    expect(values.shape).toEqual([3, 40, 40]);
    expect(arena.bytes).toBe(3 * 40 * 40 * 4);
    const expected = normalize(referenceSquare(toRgb(pixels), "pad", 40).data, settings.mean, settings.std);
    expectClose("values", await readFloats(gpu(), values), expected, RELATIVE_ELEMENTWISE, ABSOLUTE_NORMALIZE);
    arena.dispose();
  });

  test("a large photograph takes the memory of a band", async () => {
    const picture = pixelPicture({ width: 3000, height: 2400, data: new Uint8ClampedArray(3000 * 2400 * 4).fill(200) });
    const arena = gpu().arena.scope();
    const values = await preprocess(gpu(), arena, picture, testPreprocessing("crop", 32), { bandPixels: 2 ** 18 });
    // Texture and tensor of a band, and the middle, against 28.8 MB of the picture.
    expect(arena.peakBytes).toBeLessThan(2 * 2 ** 20 + 2400 * 32 * 4 + 100_000);
    const grey = (200 / 255 - testPreprocessing("crop", 32).mean[0]) / testPreprocessing("crop", 32).std[0];
    expect((await readFloats(gpu(), values))[17]).toBeCloseTo(grey, 5);
    arena.dispose();
  });

  test("aborted before and while waiting", async () => {
    const picture = pixelPicture(randomPixels(freshRandom("abort"), 20, 20));
    const settings = testPreprocessing("squash", 16);
    await refusal(preprocess(gpu(), gpu().arena, picture, settings, { signal: AbortSignal.abort() }), "aborted");
    const controller = new AbortController();
    const running = preprocess(gpu(), gpu().arena, picture, settings, { signal: controller.signal });
    controller.abort();
    await refusal(running, "aborted");
  });

  test("a picture that was closed too early", async () => {
    const bitmap = await createImageBitmap(new ImageData(20, 20));
    const picture = await decodeImage(bitmap);
    bitmap.close();
    const settings = testPreprocessing("pad", 16);
    expect(await refusal(preprocess(gpu(), gpu().arena, picture, settings), "bad-image")).toContain("was closed");
  });

  test("more memory than the device has room for is refused, and the engine goes on", async () => {
    const settings = testPreprocessing("squash", 16);
    const picture = pixelPicture(randomPixels(freshRandom("memory"), 20, 20));
    const tooLarge = { ...settings, size: 20000 };
    expect(await refusal(preprocess(gpu(), gpu().arena, picture, tooLarge), "out-of-memory")).toContain("bytes");
    const arena = gpu().arena.scope();
    await preprocess(gpu(), arena, picture, settings);
    await gpu().idle();
    arena.dispose();
  });
});
