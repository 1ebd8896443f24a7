/** Limits on pictures, in bytes and in pixels. */
import { FoveaError } from "../errors.ts";

/** Encoded bytes: far above any photograph, far below what a tab survives. */
const MAX_ENCODED_BYTES = 256 * 2 ** 20;

/**
 * 512 MiB while decoding. Browsers hold a picture twice for a moment, 8 bytes a pixel: Chromium took 490 MB for 8000 x
 * 8000. `createImageBitmap` with a smaller size takes as much, and its pixels differ from Pillow's. So larger pictures
 * are refused, and every accepted picture is read exactly.
 */
export const MAX_PIXELS = 2 ** 26;

/** The largest side in JPEG; it also keeps the resampling of padded rows exact (see resample.ts). */
const MAX_SIDE = 65535;

/** Thinner pictures become stripes after a resize. Qwen2-VL's processor has the same limit. */
export const MAX_ASPECT_RATIO = 200;

/** Throws FoveaError `bad-image` for a picture of these sides, in pixels, that is too small, too large or too thin. */
export function checkPictureSize(name: string, width: number, height: number): void {
  const is = `${name} is ${width} x ${height} pixels`;
  const [short, long] = width < height ? [width, height] : [height, width];
  if (short < 2) throw new FoveaError("bad-image", `${is}; both sides need at least 2. Use another picture`);
  if (long > short * MAX_ASPECT_RATIO)
    throw new FoveaError("bad-image", `${is}, thinner than ${MAX_ASPECT_RATIO}:1; crop it`);
  if (long > MAX_SIDE || width * height > MAX_PIXELS)
    throw new FoveaError("bad-image", `${is}; the limit is ${MAX_SIDE} a side and ${MAX_PIXELS} in all. Scale it down`);
}

/** Throws FoveaError `bad-image` for too many encoded bytes. */
export function checkEncodedSize(name: string, byteLength: number): void {
  if (byteLength > MAX_ENCODED_BYTES)
    throw new FoveaError(
      "bad-image",
      `${name} has ${byteLength} bytes; the limit is ${MAX_ENCODED_BYTES}. Save it smaller`,
    );
}
