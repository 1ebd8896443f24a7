/** Mean colours of a picture below the cells of its merged tokens. */
import { type Size, squareOnPicture } from "../../image/geometry.ts";
import { cellGrid } from "./overlay.ts";
import type { ShownView } from "./viewing.ts";

/** Longest side of the copy that colours are read from: a cell still has some pixels of it. */
const SIDE = 192;

/** A small copy of a picture. */
export interface SmallCopy extends Size {
  /** RGBA, row by row. */
  data: Uint8ClampedArray;
}

/** Draws the copy. */
export function smallCopy(picture: CanvasImageSource & { naturalWidth: number; naturalHeight: number }): SmallCopy {
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
export function clusterColours({ view, map }: ShownView, picture: Size, copy: SmallCopy): (string | undefined)[] {
  const grid = cellGrid(view);
  return map.cellsOf.map((cells) => {
    if (cells.length < 2) return undefined;
    const sum = [0, 0, 0];
    let pixels = 0;
    for (const cell of cells) {
      const place = squareOnPicture(grid, cell, picture);
      const from = {
        x: Math.floor((place.x / picture.width) * copy.width),
        y: Math.floor((place.y / picture.height) * copy.height),
      };
      const to = {
        x: Math.min(
          copy.width,
          Math.max(from.x + 1, Math.ceil(((place.x + place.width) / picture.width) * copy.width)),
        ),
        y: Math.min(
          copy.height,
          Math.max(from.y + 1, Math.ceil(((place.y + place.height) / picture.height) * copy.height)),
        ),
      };
      for (let y = from.y; y < to.y; y++)
        for (let x = from.x; x < to.x; x++) {
          const at = 4 * (y * copy.width + x);
          for (let i = 0; i < 3; i++) sum[i]! += copy.data[at + i]!;
          pixels++;
        }
    }
    return pixels === 0 ? undefined : `rgb(${sum.map((value) => Math.round(value / pixels)).join(" ")})`;
  });
}
