/** Upload of pictures: every pixel arrives, whatever the band, the tile, the window and the kind of picture. */
import { describe, expect, test } from "vitest";
import { type PictureBand, PictureBands, type PictureWindow } from "../../src/gpu/picture.ts";
import { readTensor } from "../../src/gpu/readback.ts";
import type { Picture } from "../../src/shared/picture.ts";
import { DEVICE } from "../support/device.ts";
import { freshRandom, useGpu } from "../support/gpu.ts";
import { expectSameBytes, packWords, pixelPicture, randomPixels, refusal } from "../support/pictures.ts";
import { readWindow, wholeWindow } from "../support/read-picture.ts";

describe("picture bands", () => {
  const { gpu } = useGpu();

  const upload = (picture: Picture, window: PictureWindow, bandPixels?: number) =>
    readWindow(gpu(), picture, window, bandPixels);

  function part(words: Uint32Array, width: number, window: PictureWindow): Uint32Array {
    return Uint32Array.from({ length: window.width * window.height }, (_, i) => {
      const row = window.y + Math.floor(i / window.width);
      return words[row * width + window.x + (i % window.width)]!;
    });
  }

  /** What a bitmap keeps as it is: Firefox multiplies alpha in and divides by it again, so there only opaque pixels. */
  function storable(kind: string, pixels: ReturnType<typeof randomPixels>): ReturnType<typeof randomPixels> {
    if (kind === "pixels" || DEVICE.browser !== "firefox") return pixels;
    return { ...pixels, data: pixels.data.map((byte, i) => (i % 4 === 3 ? 255 : byte)) };
  }

  /** A bitmap with these very bytes, alpha included. */
  async function bitmapPicture(pixels: ReturnType<typeof randomPixels>): Promise<Picture> {
    const data = new ImageData(new Uint8ClampedArray(pixels.data), pixels.width, pixels.height);
    const bitmap = await createImageBitmap(data, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
    return { name: "bitmap", width: bitmap.width, height: bitmap.height, pixels: bitmap, close: () => bitmap.close() };
  }

  test.for(["pixels", "bitmap"])("%s, as they are, alpha not multiplied in", async (kind) => {
    const pixels = storable(kind!, randomPixels(freshRandom("upload"), 131, 37));
    const picture = kind === "pixels" ? pixelPicture(pixels) : await bitmapPicture(pixels);
    const expected = packWords(pixels);
    const window = { x: 5, y: 3, width: 70, height: 31 };
    for (const [bandPixels, bands] of [
      [undefined, 1],
      [128 * 8, 4],
      [1, 31],
    ] as const) {
      const found = await upload(picture, window, bandPixels);
      expect(found.bands).toBe(bands);
      expectSameBytes(`bands of ${bandPixels}`, found.words, part(expected, 131, window));
    }
    for (const [bandPixels, bands] of [
      [undefined, 1],
      [1, 2],
    ] as const) {
      const found = await readWindow(gpu(), picture, window, bandPixels, "columns");
      expect(found.bands).toBe(bands);
      expectSameBytes(`columns in bands of ${bandPixels}`, found.words, part(expected, 131, window));
    }
    expectSameBytes("whole", (await upload(picture, wholeWindow(picture))).words, expected);
    picture.close();
    expect(gpu().arena.bytes).toBe(gpu().params.buffer.size);
  });

  test.for(["pixels", "bitmap"])("%s wider than a texture may be", async (kind) => {
    const limit = gpu().device.limits.maxTextureDimension2D;
    const pixels = storable(kind!, randomPixels(freshRandom("tiles"), limit + 100, 42));
    const picture = kind === "pixels" ? pixelPicture(pixels) : await bitmapPicture(pixels);
    const { words, bands } = await upload(picture, wholeWindow(picture), 64 * 2 ** 12);
    expect(bands).toBe(2);
    expectSameBytes("words", words, packWords(pixels));
    picture.close();
  });

  test("higher than a texture may be", async () => {
    const pixels = randomPixels(freshRandom("high"), 42, gpu().device.limits.maxTextureDimension2D + 3);
    const { words, bands } = await upload(pixelPicture(pixels), wholeWindow(pixelPicture(pixels)));
    expect(bands).toBe(1);
    expectSameBytes("words", words, packWords(pixels));
    const columns = await readWindow(
      gpu(),
      pixelPicture(pixels),
      wholeWindow(pixelPicture(pixels)),
      2 ** 20,
      "columns",
    );
    expectSameBytes("columns", columns.words, packWords(pixels));
  });

  test("memory is one band, counted, texture included, and freed when the loop is left early", async () => {
    const before = gpu().arena.bytes;
    const scope = gpu().arena.scope();
    const picture = pixelPicture(randomPixels(freshRandom("memory"), 100, 50));
    let first: PictureBand | undefined;
    for await (const band of new PictureBands(gpu(), scope, picture, wholeWindow(picture), "rows", 128 * 10).rows(
      0,
      50,
    )) {
      first = band;
      break;
    }
    expect(first).toMatchObject({ x: 0, y: 0, width: 100, height: 10 });
    expect(scope.bytes).toBe((128 * 10 + 100 * 10) * 4);
    scope.dispose();
    expect(gpu().arena.bytes).toBe(before);
  });

  test("some rows of the window", async () => {
    const pixels = randomPixels(freshRandom("rows"), 70, 40);
    const scope = gpu().arena.scope();
    const window = { x: 3, y: 10, width: 67, height: 25 };
    const bands = new PictureBands(gpu(), scope, pixelPicture(pixels), window, "rows", 128 * 4);
    const found: [number, number][] = [];
    for await (const { pixels: band, y, height } of bands.rows(17, 27)) {
      found.push([y, height]);
      const row = ((await readTensor(gpu(), band)) as Uint32Array).subarray(0, 67);
      expectSameBytes(`row ${y}`, row, packWords(pixels).subarray(y * 70 + 3, (y + 1) * 70));
    }
    expect(found).toEqual([
      [17, 4],
      [21, 4],
      [25, 2],
    ]);
    scope.dispose();
  });

  test("a bitmap that was closed in the meantime", async () => {
    const picture = await bitmapPicture(randomPixels(freshRandom("closed"), 9, 9));
    picture.close();
    expect(await refusal(upload(picture, wholeWindow(picture)), "bad-image")).toBe(
      "bitmap was closed or changed too early; keep it until the answer starts",
    );
  });
});
