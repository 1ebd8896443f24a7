/** The heat of a view as a picture of one pixel a cell, which the browser enlarges smoothly. */
import type { Look } from "./looking.ts";
import { cellGrid } from "./overlay.ts";
import type { ShownView } from "./viewing.ts";

/** From unseen to most looked at: transparent, then orange, then near white. */
function pixelOf(heat: number): readonly [number, number, number, number] {
  const hot = Math.max(0, heat - 0.6) / 0.4;
  return [255, Math.round(122 + 110 * hot), Math.round(26 + 150 * hot), Math.round(255 * Math.min(1, 0.9 * heat))];
}

/** RGBA of each cell of a view, [rows, cols]; a dropped cell is transparent. */
export function heatPixels({ view, map }: ShownView, { heat }: Look): ImageData {
  const { rows, cols } = cellGrid(view);
  const pixels = new ImageData(cols, rows);
  for (const [cell, token] of map.tokenOf.entries()) {
    const column = token < 0 ? -1 : (view.columns[token] ?? -1);
    pixels.data.set(pixelOf(heat[column] ?? 0), 4 * cell);
  }
  return pixels;
}

/** The same as the address of a picture. */
export function heatAddress(shown: ShownView, look: Look): string {
  const pixels = heatPixels(shown, look);
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: pixels.width, height: pixels.height });
  canvas.getContext("2d")!.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}
