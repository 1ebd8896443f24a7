/** Mean colours of a picture below the cells of its merged tokens. */
import { type Size, squareOnPicture } from "../../image/geometry.ts";
import { cellGrid } from "./overlay.ts";
import type { ShownView } from "./viewing.ts";

/** Longest side of the thumbnail that colours are read from: a cell still has some pixels of it. */
const SIDE = 192;

/** The pixels of a picture, scaled down. */
export interface Thumbnail extends Size {
  /** RGBA, row by row. */
  data: Uint8ClampedArray;
}

/** The thumbnail of a decoded picture. */
export function thumbnailOf(picture: CanvasImageSource & { naturalWidth: number; naturalHeight: number }): Thumbnail {
  const scale = Math.min(1, SIDE / Math.max(picture.naturalWidth, picture.naturalHeight));
  const width = Math.max(1, Math.round(picture.naturalWidth * scale));
  const height = Math.max(1, Math.round(picture.naturalHeight * scale));
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(picture, 0, 0, width, height);
  return { width, height, data: context.getImageData(0, 0, width, height).data };
}

/** CSS colours of a view's tokens: the mean below all cells of a merged one, undefined for a token of one cell. */
export function clusterColours({ view, map }: ShownView, picture: Size, pixels: Thumbnail): (string | undefined)[] {
  const grid = cellGrid(view);
  return map.cellsOf.map((cells) => {
    if (cells.length < 2) return undefined;
    const sum = [0, 0, 0];
    let count = 0;
    for (const cell of cells) {
      const place = squareOnPicture(grid, cell, picture);
      const from = {
        x: Math.floor((place.x / picture.width) * pixels.width),
        y: Math.floor((place.y / picture.height) * pixels.height),
      };
      const to = {
        x: Math.min(
          pixels.width,
          Math.max(from.x + 1, Math.ceil(((place.x + place.width) / picture.width) * pixels.width)),
        ),
        y: Math.min(
          pixels.height,
          Math.max(from.y + 1, Math.ceil(((place.y + place.height) / picture.height) * pixels.height)),
        ),
      };
      for (let y = from.y; y < to.y; y++)
        for (let x = from.x; x < to.x; x++) {
          const at = 4 * (y * pixels.width + x);
          for (let i = 0; i < 3; i++) sum[i]! += pixels.data[at + i]!;
          count++;
        }
    }
    return count === 0 ? undefined : `rgb(${sum.map((value) => Math.round(value / count)).join(" ")})`;
  });
}
