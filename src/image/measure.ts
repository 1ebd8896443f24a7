/**
 * Checks an encoded picture by its first and last bytes before the browser decodes it, and explains failures of the
 * decoder.
 */
import { FoveaError } from "../errors.ts";
import { isCutShort } from "./ending.ts";
import { isSized, type PictureHeader, readBlobHeader } from "./header.ts";
import { checkEncodedSize, checkPictureSize } from "./limits.ts";

/** Formats without pixels, which no decoder takes. */
const NO_PIXELS = ["SVG", "HTML", "PDF"];

/**
 * Reads a file's header and checks its size and its end.
 *
 * @param name for messages
 * @returns the header; undefined for an unknown format
 * @throws FoveaError `bad-image` for a file that is empty, unreadable, without pixels, truncated, beyond limits.ts, or
 *   without the size that its format has
 */
export async function measurePicture(name: string, blob: Blob): Promise<PictureHeader | undefined> {
  if (blob.size === 0) throw new FoveaError("bad-image", `${name} is empty (0 bytes); pick the file again`);
  checkEncodedSize(name, blob.size);
  const header = await readFile(name, () => readBlobHeader(blob));
  if (!header) return undefined;
  const { format, width, height } = header;
  const isMeasured = width !== undefined && height !== undefined;
  if (isMeasured) checkPictureSize(name, width, height);
  // A decoder may still find a size that the header lacks, and that size is not bounded.
  const isLost = NO_PIXELS.includes(format) || (!isMeasured && isSized(format));
  if (isLost || (await readFile(name, () => isCutShort(format, blob)))) throw undecodable(name, blob, header);
  return header;
}

/**
 * A file's name for the start of a message: at most 80 characters, quoted if it could be read as part of the sentence.
 */
export function nameInText(name: string): string {
  const short = name.length <= 80 ? name : `${name.slice(0, 77)}...`;
  return /^\S*[./:\\]\S*$/.test(short) ? short : `"${short}"`;
}

/** The beginning of a new file's name: at most 60 characters of a name for messages, or of an address its last part. */
export function fileStem(name: string, otherwise: string): string {
  return (name.replaceAll('"', "").split("/").at(-1) || otherwise).slice(0, 60);
}

/** Reads a part of a file. Throws FoveaError `bad-image` if it was moved, changed or locked since it was picked. */
export async function readFile<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new FoveaError("bad-image", `${name} can no longer be read; pick the file again`, { cause });
  }
}

/**
 * The error for a file that the browser did not decode, with its format and the next step, if its bytes reveal them.
 */
export async function refusalOf(name: string, blob: Blob): Promise<FoveaError> {
  try {
    return undecodable(name, blob, await measurePicture(name, blob));
  } catch (error) {
    if (error instanceof FoveaError) return error;
    throw error;
  }
}

/** As `refusalOf`, for a file whose header is known. */
export function undecodable(name: string, blob: Blob, header: PictureHeader | undefined, cause?: unknown): FoveaError {
  return new FoveaError("bad-image", `${name} ${reasonOf(header, blob)}`, { cause });
}

function reasonOf(header: PictureHeader | undefined, blob: Blob): string {
  const size = `${blob.size} bytes`;
  if (header?.format === "PDF") return `is not a picture (${size}, PDF); take pictures of its pages with pdfPages`;
  if (header === undefined || header.format === "HTML") {
    if (blob.type.startsWith("video/"))
      return `is a video (${size}, ${blob.type.slice(0, 40)}); give it as a part of type "video", or take pictures of it with videoFrames`;
    const what = header?.format ?? (blob.type ? `said to be ${blob.type.slice(0, 40)}` : "unknown content");
    return `is not a picture (${size}, ${what}); use a JPEG, PNG or WebP`;
  }
  if (header.format === "SVG") return "is SVG, a drawing without pixels; save it as PNG";
  // Only Safari reads it. A photo from an iPhone is more likely than a damaged file.
  if (header.format === "HEIC")
    return "is HEIC, which this browser cannot read; save it as JPEG (on an iPhone: Settings, Camera, Formats, Most Compatible)";
  if (header.width === undefined)
    return `is ${header.format}, which this browser cannot read, or is damaged (${size}); save it as JPEG or PNG`;
  return `is a ${header.format} of ${header.width} x ${header.height} pixels, cut short or damaged (${size}); get it again`;
}
