/** Draws a scene on a canvas, and makes a picture of it. */
import { paintBackground } from "./backgrounds.ts";
import type { Background, Scene, Thing } from "./scene.ts";

/** Side of the pictures that scenes become, in pixels. */
export const SCENE_SIDE = 448;

const FONT = '"Noto Color Emoji", "Apple Color Emoji", "Segoe UI Emoji", sans-serif';
const FONT_SIZE = 100;

const backgrounds = new Map<string, HTMLCanvasElement>();

/** Draws the scene over the whole canvas, which must be square. */
export function drawScene(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  { background, things }: Scene,
): void {
  context.drawImage(paintedBackground(background, context.canvas.width), 0, 0);
  for (const thing of things) drawThing(context, thing);
}

/** The scene as a PNG file. */
export async function pictureOf(scene: Scene, side = SCENE_SIDE): Promise<Blob> {
  const canvas = squareCanvas(side);
  drawScene(canvas.getContext("2d")!, scene);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the scene could not be drawn"))), "image/png");
  });
}

/** True if this computer draws a text in colour: without a font of emoji there are empty boxes. */
export function drawsInColour(text: string): boolean {
  const side = 24;
  const context = squareCanvas(side).getContext("2d", { willReadFrequently: true })!;
  context.font = `${side}px ${FONT}`;
  context.fillText(text, 0, side - 4);
  const { data } = context.getImageData(0, 0, side, side);
  return data.some((value, i) => i % 4 === 0 && (value !== data[i + 1] || value !== data[i + 2]));
}

/** Painting one takes longer than a frame; dragging repeats it. */
function paintedBackground(background: Background, side: number): HTMLCanvasElement {
  const key = `${background} ${side}`;
  const known = backgrounds.get(key);
  if (known) return known;
  const canvas = squareCanvas(side);
  paintBackground(canvas.getContext("2d")!, background);
  backgrounds.set(key, canvas);
  return canvas;
}

function squareCanvas(side: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = side;
  canvas.height = side;
  return canvas;
}

/** An emoji's ink, whose larger side is the thing's size, centred on its place. */
function drawThing(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  { kind, x, y, size, angle }: Thing,
): void {
  const side = context.canvas.width;
  context.save();
  context.font = `${FONT_SIZE}px ${FONT}`;
  const ink = context.measureText(kind.emoji);
  const width = ink.actualBoundingBoxLeft + ink.actualBoundingBoxRight;
  const height = ink.actualBoundingBoxAscent + ink.actualBoundingBoxDescent;
  const scale = (size * side) / Math.max(1, width, height);
  context.translate(x * side, y * side);
  context.rotate((angle * Math.PI) / 180);
  context.scale(scale, scale);
  context.fillText(kind.emoji, ink.actualBoundingBoxLeft - width / 2, ink.actualBoundingBoxAscent - height / 2);
  context.restore();
}
