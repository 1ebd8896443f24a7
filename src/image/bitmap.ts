/** Bitmaps with the stored values of a picture, from any source that the browser can draw. */
import { FoveaError, orAborted, throwIfAborted } from "../errors.ts";
import type { Picture } from "../shared/picture.ts";
import { checkPictureSize } from "./limits.ts";

/**
 * Keeps the stored values: no colour management, no multiplication by alpha. Chromium's pixels then equal Pillow's, on
 * which the encoders were trained; pixels of a 2D canvas do not.
 */
const AS_STORED: ImageBitmapOptions = {
  colorSpaceConversion: "none",
  premultiplyAlpha: "none",
  imageOrientation: "from-image",
};

/** Decodes into an own bitmap. @param refusal the error to throw if the browser refuses */
export async function decodeSource(
  name: string,
  source: ImageBitmapSource,
  signal: AbortSignal | undefined,
  refusal: (cause: unknown) => FoveaError,
): Promise<Picture & { pixels: ImageBitmap }> {
  if (typeof createImageBitmap === "undefined")
    throw new FoveaError(
      "bad-image",
      `${name} cannot be decoded without createImageBitmap. Pass pixels as { data, width, height }`,
    );
  const decoding = createImageBitmap(source, AS_STORED);
  let bitmap: ImageBitmap;
  try {
    bitmap = await orAborted(decoding, signal, `decoding of ${name}`);
  } catch (cause) {
    // The browser cannot stop a decoder; a late result is freed.
    decoding.then((late) => late.close()).catch(() => {});
    throwIfAborted(signal, `decoding of ${name}`);
    throw refusal(cause);
  }
  try {
    throwIfAborted(signal, `decoding of ${name}`);
    const { width, height } = bitmap;
    checkPictureSize(name, width, height);
    return { name, width, height, pixels: bitmap, close: () => bitmap.close() };
  } catch (error) {
    bitmap.close();
    throw error;
  }
}
