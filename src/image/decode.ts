/**
 * Decodes any input to an upright picture with plain pixels. It does not resize, and does not copy to the GPU (see
 * gpu/picture.ts). Runs in pages and workers; Node has no decoder, so it takes only pixels there.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import { kindOf } from "../shared/arguments.ts";
import type { ImageInput, Picture, PixelData } from "../shared/picture.ts";
import { decodeSource } from "./bitmap.ts";
import { type FetchedPicture, fetchPicture } from "./fetch-picture.ts";
import { checkPictureSize } from "./limits.ts";
import { measurePicture, nameInText, readFile, undecodable } from "./measure.ts";
import { copyCanvas, decodeElement } from "./page-picture.ts";

/**
 * Decodes a picture.
 *
 * Ownership: an `ImageBitmap` or pixels are used in place. The caller keeps them open and unchanged until the picture
 * has been used. Everything else is decoded or copied to an own bitmap, which the picture's `close` frees. Nothing
 * stays open after an error or an abort.
 *
 * @throws FoveaError `bad-image` for a picture that cannot be decoded, has no pixels, or exceeds limits.ts;
 *   `download-failed` for an address; `aborted`. TypeError for any other value.
 */
export async function decodeImage(
  input: ImageInput | PixelData,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Picture> {
  throwIfAborted(signal, "decoding of a picture");
  const kind = kindOf(input);
  switch (kind) {
    case "String":
      return decodeFetched(await fetchPicture(input as string, signal), signal);
    case "Blob":
    case "File":
      return decodeBlob(blobName(input as Blob), input as Blob, signal);
    case "ImageBitmap":
      return callersBitmap(input as ImageBitmap);
    case "HTMLImageElement":
      return decodeElement(input as HTMLImageElement, signal);
    case "HTMLCanvasElement":
    case "OffscreenCanvas":
      return copyCanvas(kind, input as HTMLCanvasElement | OffscreenCanvas, signal);
    default:
      return wrapPixels(kind, input as Partial<PixelData> | null | undefined);
  }
}

/** Decodes a picture whose bytes are here. Throws as `decodeImage`. */
export function decodeFetched({ name, blob }: FetchedPicture, signal?: AbortSignal): Promise<Picture> {
  return decodeBlob(name, blob, signal);
}

function blobName(blob: Blob): string {
  const { name } = blob as Partial<File>;
  if (typeof name === "string" && name !== "") return nameInText(name);
  return blob.type ? `the picture (${blob.type.slice(0, 40)})` : "the picture";
}

async function decodeBlob(name: string, blob: Blob, signal: AbortSignal | undefined): Promise<Picture> {
  const header = await measurePicture(name, blob);
  const refusal = (cause: unknown) => undecodable(name, blob, header, cause);
  if (header?.format !== "WebP") return decodeSource(name, blob, signal, refusal);
  const { drawUpright, webpOrientation } = await import("./webp-orientation.ts");
  const turned = await readFile(name, () => webpOrientation(blob));
  if (!turned) return decodeSource(name, blob, signal, refusal);
  const stored = await decodeSource(name, turned.file, signal, refusal);
  try {
    return await decodeSource(name, drawUpright(stored.pixels, turned.orientation), signal, refusal);
  } finally {
    stored.close();
  }
}

function callersBitmap(bitmap: ImageBitmap): Picture {
  const name = "the ImageBitmap";
  const { width, height } = bitmap;
  if (width === 0) throw new FoveaError("bad-image", `${name} is closed or was transferred; pass an open one`);
  checkPictureSize(name, width, height);
  return { name, width, height, pixels: bitmap, close() {} };
}

function isBytes(data: unknown): data is PixelData["data"] {
  const kind = kindOf(data);
  return kind === "Uint8ClampedArray" || kind === "Uint8Array";
}

/** ImageData, or in Node an object like it. */
function wrapPixels(kind: string, input: Partial<PixelData> | null | undefined): Picture {
  const { width, height, data } = input ?? {};
  if (!isBytes(data) || !Number.isInteger(width) || !Number.isInteger(height))
    throw new TypeError(
      `image must be a Blob, ImageBitmap, ImageData, <img>, canvas, or the address of a picture, got ${kind}${kind === "ImageData" ? " of other than bytes" : ""}`,
    );
  const name = kind === "ImageData" ? "the ImageData" : "the picture";
  const pixels: PixelData = { data, width: width!, height: height! };
  checkPictureSize(name, pixels.width, pixels.height);
  const expected = pixels.width * pixels.height * 4;
  if (data.length !== expected)
    throw new FoveaError(
      "bad-image",
      `${name} is ${width} x ${height} pixels and must have ${expected} bytes of RGBA, but has ${data.length}${data.length === 0 ? " (transferred?)" : ""}`,
    );
  return { name, width: pixels.width, height: pixels.height, pixels, close() {} };
}
