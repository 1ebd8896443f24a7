/** Pictures on their way to a server, in a browser: upright, within the budget, over white, and without what else a file tells. */
import { expect, test } from "vitest";
import { FoveaError } from "../../src/errors.ts";
import { SentPictures, sizeWithin } from "../../src/remote/pictures.ts";
import { withOrientation } from "../support/exif.ts";

const NEVER = new AbortController().signal;
const url = (image: Parameters<SentPictures["url"]>[0], maxPixels = 1e6) =>
  new SentPictures().url(image, maxPixels, NEVER);

/** Red above blue, 40 x 20 pixels each. */
function painted(): OffscreenCanvas {
  const canvas = new OffscreenCanvas(40, 40);
  const context = canvas.getContext("2d")!;
  context.fillStyle = "#f00";
  context.fillRect(0, 0, 40, 20);
  context.fillStyle = "#00f";
  context.fillRect(0, 20, 40, 20);
  return canvas;
}

/** Size, and the colour at a place given as shares of the sides. */
async function seen(address: string) {
  const bitmap = await createImageBitmap(await (await fetch(address)).blob());
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
  context.drawImage(bitmap, 0, 0);
  const at = (x: number, y: number) =>
    Array.from(context.getImageData(Math.floor(x * bitmap.width), Math.floor(y * bitmap.height), 1, 1).data);
  return { width: bitmap.width, height: bitmap.height, at, type: address.slice(5, address.indexOf(";")) };
}

function isRed([red = 0, green = 0, blue = 0]: number[]): boolean {
  return red > 200 && green < 60 && blue < 60;
}

test("a canvas is sent as it is now, without loss", async () => {
  const canvas = painted();
  const sent = url(canvas);
  canvas.getContext("2d")!.clearRect(0, 0, 40, 40);
  const { width, height, at, type } = await seen(await sent);
  expect([width, height, type]).toEqual([40, 40, "image/png"]);
  expect(at(0.5, 0.2)).toEqual([255, 0, 0, 255]);
  expect(at(0.5, 0.8)).toEqual([0, 0, 255, 255]);
});

test("a photograph stands upright, whatever its EXIF says, and its EXIF stays here", async () => {
  const wide = new OffscreenCanvas(60, 30);
  const context = wide.getContext("2d")!;
  context.fillStyle = "#f00";
  context.fillRect(0, 0, 30, 30);
  context.fillStyle = "#00f";
  context.fillRect(30, 0, 30, 30);
  const file = new Uint8Array(await (await wide.convertToBlob({ type: "image/jpeg", quality: 1 })).arrayBuffer());
  // 6: turned a quarter to the left when it was stored.
  const photograph = new File([withOrientation(file, 6)], "photo.jpg", { type: "image/jpeg" });
  const address = await url(photograph);
  const { width, height, at, type } = await seen(address);
  expect([width, height, type]).toEqual([30, 60, "image/jpeg"]);
  expect([isRed(at(0.5, 0.2)), isRed(at(0.5, 0.8))]).toEqual([true, false]);
  expect(atob(address.slice(address.indexOf(",") + 1))).not.toContain("Exif");
});

test("a large picture is scaled down to the budget, with the ratio of its sides", async () => {
  const large = new OffscreenCanvas(400, 100);
  large.getContext("2d")!.fillRect(0, 0, 400, 100);
  const { width, height } = await seen(await url(large, 10_000));
  expect([width, height]).toEqual([200, 50]);
  expect(sizeWithin(100, 100, 1e6)).toEqual({ width: 100, height: 100 });
  expect(sizeWithin(10_000, 3, 100)).toEqual({ width: 577, height: 1 });
  for (const pixels of [64, 1000, 99_999]) {
    const size = sizeWithin(4000, 3000, pixels);
    expect(size.width * size.height).toBeLessThanOrEqual(pixels);
  }
});

test("transparent pictures lie over white, and pixels are pictures too", async () => {
  const clear = new ImageData(new Uint8ClampedArray(16 * 4), 4, 4);
  expect((await seen(await url(clear))).at(0.5, 0.5)).toEqual([255, 255, 255, 255]);
});

test("a file is encoded once for each budget, and a failure is not kept", async () => {
  const pictures = new SentPictures();
  const file = await painted().convertToBlob();
  const [first, again] = await Promise.all([pictures.url(file, 1e6, NEVER), pictures.url(file, 1e6, NEVER)]);
  expect(again).toBe(first);
  expect(await pictures.url(file, 400, NEVER)).not.toBe(first);
  const broken = new Blob(["no picture"]);
  await expect(pictures.url(broken, 1e6, NEVER)).rejects.toThrow(FoveaError);
  await expect(pictures.url(broken, 1e6, NEVER)).rejects.toMatchObject({ code: "bad-image" });
});
