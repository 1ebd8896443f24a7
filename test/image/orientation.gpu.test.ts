/** Pictures that were taken with a turned camera: EXIF orientation in JPEG and WebP. */
import { expect, test } from "vitest";
import { decodeImage } from "../../src/image/decode.ts";
import type { RgbImage } from "../reference/resize.ts";
import { withOrientation } from "../support/exif.ts";
import { useGpu } from "../support/gpu.ts";
import { expectSameBytes, randomPixels } from "../support/pictures.ts";
import { Random } from "../support/random.ts";
import { readPicture } from "../support/read-picture.ts";
import { needing, sharedBytes, testShared } from "../support/shared.ts";

const [WIDTH, HEIGHT] = [300, 200];
const { gpu } = useGpu();
const read = async (file: Uint8Array<ArrayBuffer>) => readPicture(gpu(), await decodeImage(new Blob([file])));

/** A file of opaque noise. */
async function encoded(type: string): Promise<Uint8Array<ArrayBuffer>> {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const { data } = randomPixels(new Random(6), WIDTH, HEIGHT);
  for (let i = 3; i < data.length; i += 4) data[i] = 255;
  canvas.getContext("2d")!.putImageData(new ImageData(new Uint8ClampedArray(data), WIDTH, HEIGHT), 0, 0);
  const file = await canvas.convertToBlob({ type });
  expect(file.type).toBe(type);
  return new Uint8Array(await file.arrayBuffer());
}

/** A WebP as its extended form with an EXIF chunk after the picture. @param start bytes before the TIFF header */
function webpWithOrientation(file: Uint8Array, orientation: number, start = ""): Uint8Array<ArrayBuffer> {
  const tiff = [...[0x49, 0x49, 42, 0, 8, 0, 0, 0, 2, 0], ...[0x0f, 1, 3, 0, 1, 0, 0, 0, 9, 0, 0, 0]];
  tiff.push(...[0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0], 0, 0, 0, 0);
  const exif = [...new TextEncoder().encode(start), ...tiff];
  const size = (value: number, bytes: number) => Array.from({ length: bytes }, (_, i) => (value >>> (8 * i)) & 255);
  const text = (value: string) => [...new TextEncoder().encode(value)];
  const isExtended = new TextDecoder().decode(file.subarray(12, 16)) === "VP8X";
  const head = [...text("VP8X"), ...size(10, 4), 0x08, 0, 0, 0, ...size(WIDTH - 1, 3), ...size(HEIGHT - 1, 3)];
  const picture = [...file.subarray(12)];
  if (isExtended) picture[8]! |= 0x08;
  const body = [...(isExtended ? [] : head), ...picture, ...text("EXIF"), ...size(exif.length, 4), ...exif];
  return Uint8Array.from([...text("RIFF"), ...size(body.length + 4, 4), ...text("WEBP"), ...body]);
}

/** The picture that is meant by pixels stored in this orientation: which of its edges is row 0, and which column 0. */
function upright(stored: RgbImage, orientation: number): RgbImage {
  const [width, height] = orientation < 5 ? [stored.width, stored.height] : [stored.height, stored.width];
  const isRight = [2, 3, 7, 8].includes(orientation);
  const isBottom = [3, 4, 6, 7].includes(orientation);
  const data = new Uint8Array(stored.data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [along, down] = orientation < 5 ? [x, y] : [y, x];
      const column = isRight ? stored.width - 1 - along : along;
      const row = isBottom ? stored.height - 1 - down : down;
      const from = (row * stored.width + column) * 3;
      data.set(stored.data.subarray(from, from + 3), (y * width + x) * 3);
    }
  return { width, height, data };
}

test.for([1, 2, 3, 4, 5, 6, 7, 8])("EXIF %i of a JPEG stands upright", async (orientation) => {
  const file = await encoded("image/jpeg");
  const stored = await read(file);
  const turned = await read(withOrientation(file, orientation));
  expectSameBytes("pixels", turned.data, upright(stored, orientation).data);
  expect([turned.width, turned.height]).toEqual(orientation < 5 ? [WIDTH, HEIGHT] : [HEIGHT, WIDTH]);
});

test.for([1, 2, 3, 4, 5, 6, 7, 8])("EXIF %i of a WebP stands upright", async (orientation) => {
  const file = await encoded("image/webp");
  const stored = await read(file);
  for (const start of ["", "Exif\0\0"]) {
    const turned = await read(webpWithOrientation(file, orientation, start));
    expectSameBytes("pixels", turned.data, upright(stored, orientation).data);
    expect([turned.width, turned.height]).toEqual(orientation < 5 ? [WIDTH, HEIGHT] : [HEIGHT, WIDTH]);
  }
});

test("a WebP whose EXIF is damaged is read as it is stored", async () => {
  const turned = webpWithOrientation(await encoded("image/webp"), 6);
  for (const [back, value] of [
    [34, 250], // the directory lies outside
    [8, 9], // no such orientation
  ] as const) {
    const damaged = turned.slice();
    damaged[damaged.length - back] = value;
    const picture = await decodeImage(new Blob([damaged]));
    expect([picture.width, picture.height]).toEqual([WIDTH, HEIGHT]);
    picture.close();
  }
});

testShared(needing("faults", "a WebP on its side, as Pillow turns it"), async () => {
  const { width, height, data } = await read(await sharedBytes("faults/exif6.webp"));
  expect([width, height]).toEqual([24, 32]);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(data)));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  expect(hex).toBe("60783d8d306098e56b739544677a5e051791de4568f53a4f5976d5c060fb0b90");
});
