/** Bitmaps with the stored numbers of a picture, from whatever the browser can draw. */
import { FoveaError, throwIfAborted } from "../errors.ts";
import type { Picture } from "../shared/picture.ts";
import { checkPictureSize } from "./limits.ts";

/**
 * The stored numbers: no colour management and no multiplication by alpha. With them Chromium's pixels are those of
 * Pillow, which the encoders were trained on; those of a 2D canvas are not.
 */
const AS_STORED: ImageBitmapOptions = {
  colorSpaceConversion: "none",
  premultiplyAlpha: "none",
  imageOrientation: "from-image",
};

/** Decodes into a bitmap of our own. @param why says what may be wrong if the browser refuses */
export async function decodeSource(
  name: string,
  source: ImageBitmapSource,
  signal: AbortSignal | undefined,
  why: () => string,
): Promise<Picture & { pixels: ImageBitmap }> {
  if (typeof createImageBitmap === "undefined")
    throw new FoveaError(
      "bad-image",
      `${name} cannot be decoded here: there is no createImageBitmap. Hand over pixels as { data, width, height }`,
    );
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(source, AS_STORED);
  } catch (cause) {
    throwIfAborted(signal, `decoding of ${name}`);
    throw new FoveaError("bad-image", `${name} ${why()}`, { cause });
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
