/** How large a picture may be, in bytes and in pixels, before anything is spent on it. */
import { FoveaError } from "../errors.ts";

/** Encoded bytes: far above any photograph, far below what a tab survives. */
export const MAX_ENCODED_BYTES = 256 * 2 ** 20;

/** 1 GiB once decoded. */
export const MAX_PIXELS = 2 ** 28;

/** What JPEG can say, and what keeps the resampling of padded rows exact (see resample.ts). */
export const MAX_SIDE = 65535;

/** With less there is nothing to see, and resizing makes stripes of it; Qwen2-VL's processor draws the same line. */
export const MAX_ASPECT_RATIO = 200;

/** Throws FoveaError `bad-image` for a picture of these sides, in pixels, that is too small, too large or too thin. */
export function checkPictureSize(name: string, width: number, height: number): void {
  const is = `${name} is ${width} x ${height} pixels`;
  const [short, long] = width < height ? [width, height] : [height, width];
  if (short < 2) throw new FoveaError("bad-image", `${is}; both sides need at least 2. Use another picture`);
  if (long > short * MAX_ASPECT_RATIO)
    throw new FoveaError("bad-image", `${is}, thinner than ${MAX_ASPECT_RATIO}:1; cut out the part that matters`);
  if (long > MAX_SIDE || width * height > MAX_PIXELS)
    throw new FoveaError(
      "bad-image",
      `${is}; at most ${MAX_SIDE} a side and ${MAX_PIXELS} in all are read. Scale it down`,
    );
}

/** Throws FoveaError `bad-image` for more encoded bytes than are read. */
export function checkEncodedSize(name: string, byteLength: number): void {
  if (byteLength > MAX_ENCODED_BYTES)
    throw new FoveaError(
      "bad-image",
      `${name} has ${byteLength} bytes; at most ${MAX_ENCODED_BYTES} are read. Save it smaller`,
    );
}
