/** Pictures as servers take them: data URLs of JPEG or PNG, upright, within a budget of pixels. */
import type { ImageInput } from "../api.ts";
import { FoveaError, orAborted } from "../errors.ts";
import { decodeImage } from "../image/decode.ts";
import { fetchPicture } from "../image/fetch-picture.ts";
import { measurePicture } from "../image/measure.ts";
import { kindOf } from "../shared/arguments.ts";
import type { Picture } from "../shared/picture.ts";

/** Formats that every server reads; not all of them read WebP. */
const SENT_AS_IT_IS: Record<string, string> = { JPEG: "image/jpeg", PNG: "image/png" };
const JPEG_QUALITY = 0.92;

/** Encoded pictures of files, which do not change: the same conversation is sent again with every question. */
export class SentPictures {
  readonly #known = new WeakMap<Blob, Map<number, Promise<string>>>();

  /**
   * The picture as a data URL. Anything but a Blob is read when this is called.
   *
   * @throws FoveaError `bad-image`, `download-failed` or `aborted`; TypeError for what is no picture
   */
  async url(image: ImageInput, maxPixels: number, signal: AbortSignal): Promise<string> {
    if (!(image instanceof Blob)) return encode(image, maxPixels, signal);
    const sizes = this.#known.get(image) ?? new Map<number, Promise<string>>();
    this.#known.set(image, sizes);
    let url = sizes.get(maxPixels);
    if (!url) {
      // Without the signal: another request may wait for the same picture.
      url = encode(image, maxPixels, undefined);
      sizes.set(maxPixels, url);
      url.catch(() => sizes.delete(maxPixels));
    }
    return orAborted(url, signal, "encoding of a picture");
  }
}

async function encode(image: ImageInput, maxPixels: number, signal: AbortSignal | undefined): Promise<string> {
  if (typeof OffscreenCanvas === "undefined") return asItIs(image, maxPixels, signal);
  const picture = await decodeImage(image, { signal });
  try {
    return await dataUrl(await drawn(picture, image, maxPixels));
  } finally {
    picture.close();
  }
}

/** Scaled down, over white as models see it, and without what else the file tells, such as the place of a photograph. */
async function drawn(picture: Picture, image: ImageInput, maxPixels: number): Promise<Blob> {
  const { width, height } = sizeWithin(picture.width, picture.height, maxPixels);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context)
    throw new FoveaError("bad-image", `${picture.name} cannot be drawn (${width} x ${height}); use a smaller picture`);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  const { pixels } = picture;
  const isBitmap = "close" in pixels;
  const bitmap = isBitmap
    ? pixels
    : await createImageBitmap(new ImageData(new Uint8ClampedArray(pixels.data), pixels.width, pixels.height));
  try {
    context.drawImage(bitmap, 0, 0, width, height);
  } finally {
    if (!isBitmap) bitmap.close();
  }
  // Drawings and screenshots keep their edges; photographs are JPEG already.
  const isPhotograph = image instanceof Blob && /jpe?g|webp|avif|heic/.test(image.type);
  return canvas.convertToBlob(isPhotograph ? { type: "image/jpeg", quality: JPEG_QUALITY } : { type: "image/png" });
}

/** The size within a budget, with the same sides' ratio. Pictures are never enlarged. */
export function sizeWithin(width: number, height: number, maxPixels: number): { width: number; height: number } {
  const scale = Math.min(1, Math.sqrt(maxPixels / (width * height)));
  const side = (pixels: number) => Math.max(1, Math.floor(pixels * scale));
  return scale === 1 ? { width, height } : { width: side(width), height: side(height) };
}

/** Without a canvas, as in Node: the file's own bytes, if they are within the budget. */
async function asItIs(image: ImageInput, maxPixels: number, signal: AbortSignal | undefined): Promise<string> {
  const fetched = typeof image === "string" ? await fetchPicture(image, signal) : { name: "the picture", blob: image };
  if (!(fetched.blob instanceof Blob))
    throw new TypeError(`image must be a Blob or the address of a picture here, got ${kindOf(image)}`);
  const { name, blob } = fetched;
  const { format = "unknown", width = 0, height = 0 } = (await measurePicture(name, blob)) ?? {};
  const type = SENT_AS_IT_IS[format];
  if (!type) throw new FoveaError("bad-image", `${name} is ${format}; without a browser, pass JPEG or PNG`);
  if (width * height > maxPixels)
    throw new FoveaError(
      "bad-image",
      `${name} is ${width} x ${height} pixels, above maxPixels of ${maxPixels}, and only a browser can scale it; scale it down, or raise maxPixels`,
    );
  return dataUrl(new Blob([blob], { type }));
}

async function dataUrl(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let binary = "";
  // All bytes at once would be too many arguments.
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return `data:${blob.type};base64,${btoa(binary)}`;
}
