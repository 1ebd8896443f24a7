/** Cuts a view into patch rows, so that the patch convolution (stride = kernel) is a matrix product. */
import { cellOrder } from "./cells.ts";

/** All in pixels but `cell`, the side of a cell in patches; it divides the grid. */
export interface PatchesShape {
  height: number;
  width: number;
  patch: number;
  cell: number;
  /** Components stand (y, x, channel) in a row. */
  channelsLast?: boolean;
  /** Equal frames that a picture stands for; 1 by default. */
  frames?: number;
}

/**
 * Rows are the patches in cell order. Within a row (channel, y, x), which is the order of a Hugging Face convolution
 * weight [C, 3, P, P] flattened to [C, 3 * P * P]. With F frames (channel, frame, y, x), as of [C, 3, F, P, P]. Pixels that fill no patch are left out, as the convolution does.
 *
 * @param pixels planar [3, H, W]
 * @returns [N * S, 3 * F * P * P], N * S = floor(H / P) * floor(W / P)
 */
export function patches(pixels: ArrayLike<number>, shape: PatchesShape): Float64Array {
  const { height, width, patch, cell, channelsLast = false, frames = 1 } = shape;
  const [gridRows, gridCols] = [Math.floor(height / patch), Math.floor(width / patch)];
  const rows = new Float64Array(gridRows * gridCols * 3 * frames * patch * patch);
  let i = 0;
  for (const index of cellOrder(gridRows, gridCols, cell)) {
    const top = Math.floor(index / gridCols) * patch;
    const left = (index % gridCols) * patch;
    for (let channel = 0; channel < 3; channel++)
      for (let frame = 0; frame < frames; frame++)
        for (let y = 0; y < patch; y++)
          for (let x = 0; x < patch; x++) {
            const inFrame = ((channel * frames + frame) * patch + y) * patch + x;
            const component = channelsLast ? (y * patch + x) * 3 + channel : inFrame;
            rows[i + component] = pixels[(channel * height + top + y) * width + left + x]!;
          }
    i += 3 * frames * patch * patch;
  }
  return rows;
}
