/** Pictures that exist only in a page: `<img>` elements and canvases, which cannot be sent to a worker. */
import { FoveaError } from "../errors.ts";
import { decodeSource } from "./bitmap.ts";
import { checkPictureSize } from "./limits.ts";

/** The element's picture as it was stored. Throws FoveaError `bad-image` or `aborted`. */
export async function decodeElement(image: HTMLImageElement, signal?: AbortSignal) {
  const name = "the <img> element";
  if (!image.complete || image.naturalWidth === 0)
    throw new FoveaError(
      "bad-image",
      `${name} ${image.complete ? "has no picture: its address is missing or failed" : "has not loaded yet"}; await its decode() first`,
    );
  checkPictureSize(name, image.naturalWidth, image.naturalHeight);
  const advice = "cannot be read; give an SVG a width and a height, or pass the picture as a file";
  return decodeSource(name, image, signal, refusing(name, advice));
}

/**
 * Copies a canvas now, because the page may draw on it while the picture waits for its turn. Throws like
 * `decodeElement`.
 *
 * @param kind the canvas's class, for messages
 */
export async function copyCanvas(kind: string, canvas: HTMLCanvasElement | OffscreenCanvas, signal?: AbortSignal) {
  const name = `the ${kind}`;
  checkPictureSize(name, canvas.width, canvas.height);
  const advice = "cannot be read; it has no context, or lost it. Draw on it first";
  return decodeSource(name, canvas, signal, refusing(name, advice));
}

function refusing(name: string, reason: string) {
  return (cause: unknown) => new FoveaError("bad-image", `${name} ${reason}`, { cause });
}
