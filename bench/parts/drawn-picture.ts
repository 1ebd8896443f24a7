/** Pictures that a page draws: coloured squares, others for each seed, so that nothing is known of the next one. */

export interface Squares {
  /** Width and height of the picture. */
  side: number;
  count: number;
  width: number;
  /** Pixels from a square to the next, along x and y. */
  step: readonly [number, number];
}

export async function drawnPicture(seed: number, { side, count, width, step: [x, y] }: Squares): Promise<Blob> {
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d")!;
  for (let i = 0; i < count; i++) {
    context.fillStyle = `hsl(${(seed * 71 + i * 37) % 360} 70% ${30 + ((i * 13) % 50)}%)`;
    context.fillRect((i * x + seed * 31) % side, (i * y) % side, width, width);
  }
  return canvas.convertToBlob();
}
