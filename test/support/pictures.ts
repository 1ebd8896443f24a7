/** Pictures for tests: random ones, the packed words of the GPU as bytes, and refusals. */
import { expect } from "vitest";
import { FoveaError, type FoveaErrorCode } from "../../src/errors.ts";
import type { SquareFit } from "../../src/image/geometry.ts";
import type { Picture, PixelData } from "../../src/shared/picture.ts";
import type { PictureSpec } from "../../src/spec/picture-spec.ts";
import pillow from "../image/pillow/pillow.json" with { type: "json" };
import { cropToSquare, padToSquare, type ResampleFilter, type RgbImage, squashToSquare } from "../reference/resize.ts";
import type { Random } from "./random.ts";

/** The preprocessing of an encoder that reads one square. */
export interface Preprocessing extends SquareFit, Pick<PictureSpec, "filter" | "mean" | "std" | "rescale"> {}

/** Noise with alpha; noise because smooth pictures hide errors of a pixel. */
export function randomPixels(random: Random, width: number, height: number): PixelData {
  const data = Uint8ClampedArray.from({ length: width * height * 4 }, () => random.integer(0, 255));
  return { width, height, data };
}

/** As `decodeImage` makes one of pixels. */
export function pixelPicture(pixels: PixelData): Picture {
  return { name: "test picture", width: pixels.width, height: pixels.height, pixels, close() {} };
}

/** Pixels with their alpha dropped; `overWhite` of the reference is what models see. */
export function toRgb({ width, height, data }: PixelData): RgbImage {
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height * 3 }, (_, i) => data[Math.floor(i / 3) * 4 + (i % 3)]!),
  };
}

/** Packed pixels, red in the low byte, as [r, g, b, r, ...]. */
export function rgbOfWords(words: ArrayLike<number>): Uint8Array {
  return Uint8Array.from({ length: words.length * 3 }, (_, i) => (words[Math.floor(i / 3)]! >>> ((i % 3) * 8)) & 255);
}

/** Pixels as words: red in the lowest byte, then green, blue, alpha. */
export function packWords({ data }: PixelData): Uint32Array {
  return Uint32Array.from({ length: data.length / 4 }, (_, i) => {
    const [red, green, blue, alpha] = data.subarray(i * 4, i * 4 + 4) as unknown as [number, number, number, number];
    return (red | (green << 8) | (blue << 16) | (alpha << 24)) >>> 0;
  });
}

/** The reference's square of a picture in one of the modes; "pad" and "crop" are bicubic. */
export function referenceSquare(image: RgbImage, mode: Preprocessing["mode"], size: number): RgbImage {
  if (mode === "pad") return padToSquare(image, size);
  return mode === "crop" ? cropToSquare(image, size) : squashToSquare(image, size, "bilinear");
}

export const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
export const CLIP_STD = [0.26862954, 0.26130258, 0.27577711] as const;

/** Settings that go with `referenceSquare`. */
export function testPreprocessing(mode: Preprocessing["mode"], size: number): Preprocessing {
  const filter = mode === "squash" ? "bilinear" : "bicubic";
  return { mode, size, filter, mean: CLIP_MEAN, std: CLIP_STD, rescale: 1 / 255 };
}

/** Fails unless the bytes are the same; says where they first differ. */
export function expectSameBytes(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length, what).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (actual[i] !== expected[i]) expect.fail(`${what}: byte ${i} is ${actual[i]}, expected ${expected[i]}`);
  }
}

/** The message of the FoveaError that `promise` is rejected with; fails unless it has this code. */
export async function refusal(promise: Promise<unknown>, code: FoveaErrorCode): Promise<string> {
  const error = await promise.then(
    () => expect.fail("not refused"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FoveaError);
  expect((error as FoveaError).code, (error as FoveaError).message).toBe(code);
  return (error as FoveaError).message;
}

/** Pillow's own result of a chain of resizes; see test/image/pillow/make.py. */
export interface PillowCase {
  name: string;
  filter: ResampleFilter;
  picture: PixelData;
  sizes: { width: number; height: number }[];
  /** [height, width, 3] of the last size. */
  rgb: Uint8Array;
}

/** The stored resizes of Pillow, with their pictures. */
export function pillowCases(): PillowCase[] {
  return pillow.cases.map(({ seed, filter, transparent, size, sizes, rgb }) => ({
    name: `${filter} ${[size, ...sizes].map((side) => side.join(" x ")).join(" to ")}${transparent ? ", transparent" : ""}`,
    filter: filter as ResampleFilter,
    picture: pillowNoise(seed, size[0]!, size[1]!, transparent),
    sizes: sizes.map(([width, height]) => ({ width: width!, height: height! })),
    rgb: Uint8Array.from(atob(rgb), (character) => character.charCodeAt(0)),
  }));
}

/** SHA-256 of what Pillow makes of transparent photographs over white: file, then way to a square. */
export const PILLOW_PHOTOS: Readonly<Record<string, Readonly<Record<string, string>>>> = pillow.photos;

/** `noise` of make.py; opaque, unless it has four channels there. */
function pillowNoise(seed: number, width: number, height: number, isTransparent: boolean): PixelData {
  let state = seed;
  const data = Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => {
    if (i % 4 === 3 && !isTransparent) return 255;
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const byte = state >>> 24;
    return state & 0xc00000 ? byte : 255 * (byte & 1);
  });
  return { width, height, data };
}
