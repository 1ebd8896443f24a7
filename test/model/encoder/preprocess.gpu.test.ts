/** From files to pixel values: Pillow's own results bit for bit, random pictures against the reference, and tidiness. */
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { Arena } from "../../../src/gpu/arena.ts";
import { readFloats, readTensor } from "../../../src/gpu/readback.ts";
import type { Tensor } from "../../../src/gpu/tensor.ts";
import { decodeImage } from "../../../src/image/decode.ts";
import { chain, padColour, squarePlan, squash, tiles, wholeView } from "../../../src/image/geometry.ts";
import {
  compilePreprocess,
  makeCanvases,
  type PixelSpec,
  type PreprocessOptions,
  preprocess,
} from "../../../src/model/encoder/preprocess.ts";
import type { Picture } from "../../../src/shared/picture.ts";
import type { Canvas, PicturePlan } from "../../../src/spec/picture-spec.ts";
import { readSafetensors } from "../../reference/model/weights.ts";
import { normalize } from "../../reference/normalize.ts";
import { cut, overWhite, type RgbImage, resize } from "../../reference/resize.ts";
import { expectClose } from "../../support/compare.ts";
import { freshRandom, useGpu } from "../../support/gpu.ts";
import {
  expectSameBytes,
  PILLOW_PHOTOS,
  type Preprocessing,
  pillowCases,
  pixelPicture,
  randomPixels,
  referenceSquare,
  refusal,
  rgbOfWords,
  testPreprocessing,
} from "../../support/pictures.ts";
import { describeShared, needing, sharedBytes, sharedJson } from "../../support/shared.ts";
import { ABSOLUTE_NORMALIZE, RELATIVE_ELEMENTWISE } from "../../support/tolerances.ts";

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** 200, of which 200 of 255 parts cover white. */
const GREY_OVER_WHITE = 212;

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

  /** The last canvas, which is read before it is freed. */
  async function lastCanvas(
    picture: Picture,
    canvases: readonly Canvas[],
    spec: PixelSpec,
    options: PreprocessOptions = {},
  ): Promise<Uint8Array> {
    const scratch = gpu().arena.scope();
    try {
      let words: Promise<ArrayLike<number>> | undefined;
      await makeCanvases(gpu(), scratch, picture, { plan: { canvases }, spec, options }, (index, canvas) => {
        if (index === canvases.length - 1) words = readTensor(gpu(), canvas);
      });
      return rgbOfWords(await words!);
    } finally {
      scratch.dispose();
    }
  }

  const specOf = (settings: Preprocessing): PixelSpec => ({ ...settings, padColour: padColour(settings) });

  const bytesOf = (picture: Picture, settings: Preprocessing, options?: PreprocessOptions) =>
    lastCanvas(picture, squarePlan(settings, 1, picture.width, picture.height).canvases, specOf(settings), options);

  /** The one view of a square. */
  async function squareValues(
    arena: Arena,
    picture: Picture,
    settings: Preprocessing,
    options?: PreprocessOptions,
  ): Promise<Tensor> {
    const plan = squarePlan(settings, 1, picture.width, picture.height);
    const [values] = await preprocess(gpu(), arena, picture, plan, specOf(settings), [[0]], options);
    return values!;
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
        const bytes = await bytesOf(picture, settings);
        // The stored values of this picture dropped its alpha; make.py computed those over white anew.
        if (file in PILLOW_PHOTOS) expect(await sha256(bytes), file).toBe(PILLOW_PHOTOS[file]![name]);
        else expectSameBytes(file, bytes, golden.get(`${key}.${name}`)!.data);
        picture.close();
      }
      const picture = await decodeImage(new Blob([await sharedBytes("real/photos/blackbug_alpha.png")]));
      const digest = await sha256(await bytesOf(picture, settings));
      expect(digest, "blackbug").toBe(PILLOW_PHOTOS["blackbug_alpha.png"]![name]);
      picture.close();
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
      const expected = referenceSquare(overWhite(pixels), mode, size);
      for (const options of [{}, { bandPixels: 64 * 7 * 2 }, { bandPixels: 1 }, { stripPixels: 60 * size }]) {
        const bytes = await bytesOf(pixelPicture(pixels), testPreprocessing(mode, size), options);
        expectSameBytes(`${mode}, ${JSON.stringify(options)}`, bytes, expected.data);
      }
    }
  });

  // Both orders of the passes.
  test.for([
    [200, 90, 60, 40],
    [90, 300, 60, 40],
    [70, 120, 130, 50],
  ])(
    "%i x %i to %i x %i in strips and bands, from a picture and from a canvas",
    async ([w = 0, h = 0, width = 0, height = 0]) => {
      const pixels = randomPixels(freshRandom("strips"), w, h);
      const spec: PixelSpec = { filter: "lanczos", mean: [0, 0, 0], std: [1, 1, 1], rescale: 1 };
      const expected = resize(overWhite(pixels), width, height, "lanczos").data;
      const direct = squash("picture", pixels, { width, height });
      const copied = [squash("picture", pixels, pixels), squash(0, pixels, { width, height })];
      for (const options of [{}, { stripPixels: 1 }, { stripPixels: 4000, bandPixels: 2000 }, { bandPixels: 1 }]) {
        const picture = pixelPicture(pixels);
        expectSameBytes(JSON.stringify(options), await lastCanvas(picture, [direct], spec, options), expected);
        expectSameBytes(`copy, ${JSON.stringify(options)}`, await lastCanvas(picture, copied, spec, options), expected);
      }
    },
  );

  test("chains of resizes, as Pillow", async () => {
    for (const { name, filter, picture, sizes, rgb } of pillowCases()) {
      const spec: PixelSpec = { filter, mean: [0, 0, 0], std: [1, 1, 1], rescale: 1 };
      expectSameBytes(name, await lastCanvas(pixelPicture(picture), chain(picture, sizes), spec), rgb);
    }
  });

  test("padding after a resize, then a crop", async () => {
    const pixels = randomPixels(freshRandom("padding"), 50, 30);
    const spec: PixelSpec = { filter: "bicubic", mean: [0, 0, 0], std: [1, 1, 1], rescale: 1, padColour: 0xff030201 };
    const first = squash("picture", pixels, { width: 40, height: 24 });
    const padded = squash(0, { width: 40, height: 24 }, { width: 40, height: 40 });
    padded.y = { ...padded.y, canvasSize: 40, pictureStart: 8 };
    const cropped = squash(1, { width: 40, height: 40 }, { width: 40, height: 40 });
    cropped.y = { ...cropped.y, cropStart: 5, size: 20 };
    const bytes = await lastCanvas(pixelPicture(pixels), [first, padded, cropped], spec);
    const small = resize(overWhite(pixels), 40, 24, "bicubic").data;
    const border = Array.from({ length: 3 * 40 * 3 }, (_, i) => (i % 3) + 1);
    expectSameBytes("rows 5 to 25", bytes, [...border, ...small.subarray(0, 17 * 40 * 3)]);
  });

  test("pixel values: normalised planes, in the caller's arena", async () => {
    const pixels = randomPixels(freshRandom("pixel values"), 90, 70);
    const settings = testPreprocessing("pad", 40);
    const arena = gpu().arena.scope();
    const values = await squareValues(arena, pixelPicture(pixels), settings);
    expect(values.shape).toEqual([1, 3, 40, 40]);
    expect(arena.bytes).toBe(3 * 40 * 40 * 4);
    const expected = normalize(referenceSquare(overWhite(pixels), "pad", 40).data, settings.mean, settings.std);
    expectClose("values", await readFloats(gpu(), values), expected, RELATIVE_ELEMENTWISE, ABSOLUTE_NORMALIZE);
    arena.dispose();
  });

  describe("views", () => {
    /** 300 x 200 to 80 x 60, cut into tiles of 20, and an overview of 20 x 20 and another of 30 x 10. */
    function tiledPlan(): PicturePlan {
      const grid = { rows: 2, cols: 2 };
      const first = squash("picture", { width: 300, height: 200 }, { width: 80, height: 60 });
      const overview = squash(0, { width: 80, height: 60 }, { width: 20, height: 20 });
      const wide = squash("picture", { width: 300, height: 200 }, { width: 30, height: 10 });
      const views = [...tiles(0, first, 20, grid), wholeView(1, overview, grid), wholeView(2, wide, grid)];
      return { canvases: [first, overview, wide], views };
    }
    const spec: PixelSpec = { filter: "lanczos", mean: [0.5, 0.4, 0.3], std: [0.5, 0.25, 1], rescale: 1 / 255 };

    test("of several canvases in batches of one size each, in any order", async () => {
      const pixels = randomPixels(freshRandom("views"), 300, 200);
      const plan = tiledPlan();
      const canvas = resize(overWhite(pixels), 80, 60, "lanczos");
      const images: RgbImage[] = [
        ...plan.views.slice(0, 12).map(({ left, top }) => cut(canvas, left, top, 20, 20)),
        resize(canvas, 20, 20, "lanczos"),
        resize(overWhite(pixels), 30, 10, "lanczos"),
      ];
      const batches = [[0, 1, 2, 3, 4, 5], [12, 11, 6, 7, 8, 9, 10], [13]];
      const arena = gpu().arena.scope();
      const tensors = await preprocess(gpu(), arena, pixelPicture(pixels), plan, spec, batches);
      const shapes = [
        [6, 3, 20, 20],
        [7, 3, 20, 20],
        [1, 3, 10, 30],
      ];
      expect(tensors.map(({ shape }) => shape)).toEqual(shapes);
      expect(arena.bytes).toBe((13 * 3 * 400 + 3 * 300) * 4);
      for (const [i, batch] of batches.entries()) {
        const expected = batch.flatMap((view) => [...normalize(images[view]!.data, spec.mean, spec.std)]);
        const values = await readFloats(gpu(), tensors[i]!);
        expectClose(`batch ${i}`, values, expected, RELATIVE_ELEMENTWISE, ABSOLUTE_NORMALIZE);
      }
      arena.dispose();
    });

    test("that are not asked for are not made", async () => {
      const pixels = randomPixels(freshRandom("one view"), 300, 200);
      const arena = gpu().arena.scope();
      const [values] = await preprocess(gpu(), arena, pixelPicture(pixels), tiledPlan(), spec, [[7]]);
      expect(values!.shape).toEqual([1, 3, 20, 20]);
      expect(arena.bytes).toBe(3 * 400 * 4);
      arena.dispose();
    });

    test("a chain takes the memory of two canvases and what makes one, not of all", async () => {
      const picture = pixelPicture({ width: 1500, height: 900, data: new Uint8ClampedArray(1500 * 900 * 4).fill(90) });
      const sizes = [1, 2, 3, 4].map((i) => ({ width: 1024, height: 600 + i }));
      const canvases = chain(picture, sizes);
      const views = [{ grid: { rows: 1, cols: 1 }, canvas: 3, left: 5, top: 5, width: 16, height: 16 }];
      const arena = gpu().arena.scope();
      await preprocess(gpu(), arena, picture, { canvases, views }, spec, [[0]], {
        bandPixels: 2 ** 16,
        stripPixels: 2 ** 18,
      });
      const canvasBytes = 1024 * 604 * 4;
      expect(arena.peakBytes).toBeLessThan(2 * canvasBytes + 2 ** 18 * 4 + 200_000);
      expect(arena.peakBytes).toBeGreaterThan(2 * canvasBytes);
      arena.dispose();
    });
  });

  test("a high photograph, rows first, takes it too", async () => {
    const picture = pixelPicture({ width: 200, height: 8300, data: new Uint8ClampedArray(200 * 8300 * 4).fill(200) });
    const arena = gpu().arena.scope();
    const values = await squareValues(arena, picture, testPreprocessing("squash", 32), { bandPixels: 2 ** 18 });
    // 64 columns are the least that is uploaded, here in two textures, one after the other.
    expect(arena.peakBytes).toBeLessThan(
      (64 * 8300 + 64 * gpu().device.limits.maxTextureDimension2D) * 4 + 200 * 32 * 4 + 500_000,
    );
    const { mean, std } = testPreprocessing("squash", 32);
    expect((await readFloats(gpu(), values))[17]).toBeCloseTo((GREY_OVER_WHITE / 255 - mean[0]) / std[0], 5);
    arena.dispose();
  });

  test("a large photograph takes the memory of a band", async () => {
    const picture = pixelPicture({ width: 3000, height: 2400, data: new Uint8ClampedArray(3000 * 2400 * 4).fill(200) });
    const arena = gpu().arena.scope();
    const values = await squareValues(arena, picture, testPreprocessing("crop", 32), { bandPixels: 2 ** 18 });
    // Texture and tensor of a band, and the middle, against 28.8 MB of the picture.
    expect(arena.peakBytes).toBeLessThan(2 * 2 ** 20 + 2400 * 32 * 4 + 100_000);
    const grey = (GREY_OVER_WHITE / 255 - testPreprocessing("crop", 32).mean[0]) / testPreprocessing("crop", 32).std[0];
    expect((await readFloats(gpu(), values))[17]).toBeCloseTo(grey, 5);
    arena.dispose();
  });

  test("aborted before and while waiting", async () => {
    const picture = pixelPicture(randomPixels(freshRandom("abort"), 20, 20));
    const settings = testPreprocessing("squash", 16);
    await refusal(squareValues(gpu().arena, picture, settings, { signal: AbortSignal.abort() }), "aborted");
    const controller = new AbortController();
    const running = squareValues(gpu().arena, picture, settings, { signal: controller.signal });
    controller.abort();
    await refusal(running, "aborted");
  });

  test("aborted between two bands", async () => {
    const picture = pixelPicture(randomPixels(freshRandom("bands"), 64, 8));
    const controller = new AbortController();
    const submit = vi.spyOn(gpu(), "submit").mockImplementationOnce(() => {
      controller.abort();
      return { dispatches: 0, submits: 0 };
    });
    const options = { signal: controller.signal, bandPixels: 128 };
    await refusal(squareValues(gpu().arena, picture, testPreprocessing("squash", 16), options), "aborted");
    expect(submit).toHaveBeenCalledTimes(1);
    submit.mockRestore();
  });

  test("a picture that was closed too early", async () => {
    const bitmap = await createImageBitmap(new ImageData(20, 20));
    const picture = await decodeImage(bitmap);
    bitmap.close();
    const settings = testPreprocessing("pad", 16);
    expect(await refusal(squareValues(gpu().arena, picture, settings), "bad-image")).toContain("was closed");
  });

  test("more memory than the device has room for is refused, and the engine goes on", async () => {
    const settings = testPreprocessing("squash", 16);
    const picture = pixelPicture(randomPixels(freshRandom("memory"), 20, 20));
    const tooLarge = { ...settings, size: 20000 };
    expect(await refusal(squareValues(gpu().arena, picture, tooLarge), "out-of-memory")).toContain("bytes");
    const arena = gpu().arena.scope();
    await squareValues(arena, picture, settings);
    await gpu().idle();
    arena.dispose();
  });
});
