/** The pixels of a decoded picture, by the way they go to the encoder; a 2D canvas would change them. */
import type { Gpu } from "../../src/gpu/device.ts";
import { PictureBands, type PictureWindow } from "../../src/gpu/picture.ts";
import { readTensor } from "../../src/gpu/readback.ts";
import type { Picture } from "../../src/shared/picture.ts";
import type { RgbImage } from "../reference/resize.ts";
import { rgbOfWords } from "./pictures.ts";

/** The window of the whole picture. */
export function wholeWindow({ width, height }: Picture): PictureWindow {
  return { x: 0, y: 0, width, height };
}

/** The packed pixels of a window, and how many bands brought them. */
export async function readWindow(
  gpu: Gpu,
  picture: Picture,
  window: PictureWindow,
  bandPixels?: number,
  lines: "rows" | "columns" = "rows",
) {
  const scope = gpu.arena.scope();
  const words = new Uint32Array(window.width * window.height);
  let bands = 0;
  try {
    const uploaded = new PictureBands(gpu, scope, picture, window, lines, bandPixels);
    for await (const { pixels, x, y, width, height } of uploaded.rows(window.y, window.y + window.height)) {
      const stride = pixels.shape[1]!;
      const band = (await readTensor(gpu, pixels)) as Uint32Array;
      for (let row = 0; row < height; row++) {
        const at = (y - window.y + row) * window.width + x - window.x;
        words.set(band.subarray(row * stride, row * stride + width), at);
      }
      bands++;
    }
  } finally {
    scope.dispose();
  }
  return { words, bands };
}

/** The whole picture, its alpha dropped. Closes it. */
export async function readPicture(gpu: Gpu, picture: Picture): Promise<RgbImage> {
  try {
    const { words } = await readWindow(gpu, picture, wholeWindow(picture));
    return { width: picture.width, height: picture.height, data: rgbOfWords(words) };
  } finally {
    picture.close();
  }
}
