/**
 * The header of an encoded picture: its format and its size in pixels. With it, pictures that would exhaust the memory
 * are refused before the browser decodes them, and errors name the format. Sizes are untrusted: they are checked again
 * on the decoded picture.
 */

export interface PictureHeader {
  /** The format's usual name. */
  format: string;
  /** Pixels as stored, before any EXIF rotation; undefined for formats whose size is not read here. */
  width?: number;
  height?: number;
}

/** Enough for the size of a JPEG, which follows its profile and thumbnail. */
const HEADER_BYTES = 2 ** 20;
/** A JPEG may have megabytes of depth maps before its size. */
const LONG_HEADER_BYTES = 2 ** 25;

/** The header of a file; undefined for an unknown format. Rejects if the file can no longer be read. */
export async function readBlobHeader(blob: Blob): Promise<PictureHeader | undefined> {
  const read = async (end: number) => readHeader(new Uint8Array(await blob.slice(0, end).arrayBuffer()));
  const header = await read(HEADER_BYTES);
  if (header?.width !== undefined || !isSized(header?.format) || blob.size <= HEADER_BYTES) return header;
  return read(LONG_HEADER_BYTES);
}

/** True if this file reads the sizes of the format, so that a file without one is damaged. */
export function isSized(format: string | undefined): boolean {
  return format !== undefined && ["PNG", "JPEG", "GIF", "WebP", "BMP", "AVIF", "HEIC"].includes(format);
}

/** @param bytes the start of a file. @returns undefined for an unknown format */
export function readHeader(bytes: Uint8Array): PictureHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // One character per byte; TextDecoder's "latin1" is windows-1252, where 0x89 is a per mille sign.
  const start = String.fromCharCode(...bytes.subarray(0, 512));
  try {
    if (start.startsWith("\x89PNG\r\n\x1a\n")) return sized("PNG", view.getUint32(16), view.getUint32(20));
    if (start.startsWith("\xff\xd8\xff")) return jpegHeader(view);
    if (start.startsWith("GIF8")) return sized("GIF", view.getUint16(6, true), view.getUint16(8, true));
    if (start.startsWith("RIFF") && start.startsWith("WEBP", 8)) return webpHeader(view, start.slice(12, 16));
    if (start.startsWith("BM")) return bmpHeader(view);
    if (start.startsWith("ftyp", 4)) return mediaHeader(view, otherFormat(start)?.format);
  } catch (error) {
    // The header is truncated; the decoder will refuse the file.
    if (!(error instanceof RangeError)) throw error;
  }
  return otherFormat(start);
}

function sized(format: string, width: number, height: number): PictureHeader {
  return { format, width, height };
}

/** Formats by their bytes at an offset, for formats whose sizes are not read here and for truncated headers. */
const SIGNATURES: readonly [text: string, offset: number, format: string][] = [
  ["\x89PNG", 0, "PNG"],
  ["\xff\xd8", 0, "JPEG"],
  ["GIF8", 0, "GIF"],
  ["WEBP", 8, "WebP"],
  ["ftypavif", 4, "AVIF"],
  ["ftypavis", 4, "AVIF"],
  ["ftyphei", 4, "HEIC"],
  ["ftyphev", 4, "HEIC"],
  ["ftypmif1", 4, "HEIC"],
  ["ftypmsf1", 4, "HEIC"],
  ["\x00\x00\x01\x00", 0, "ICO"],
  ["II*\x00", 0, "TIFF"],
  ["MM\x00*", 0, "TIFF"],
  ["\xff\x0a", 0, "JPEG XL"],
  ["JXL ", 4, "JPEG XL"],
  ["%PDF", 0, "PDF"],
];

/** The format of other files, to name it in errors. */
function otherFormat(start: string): PictureHeader | undefined {
  const known = SIGNATURES.find(([text, offset]) => start.startsWith(text, offset));
  if (known) return { format: known[2] };
  // Markup, perhaps after a byte order mark.
  if (!/^(\xef\xbb\xbf)?\s*</.test(start)) return undefined;
  if (/<svg[\s>]/i.test(start)) return { format: "SVG" };
  return /<(!doctype html|html|head|body)/i.test(start) ? { format: "HTML" } : undefined;
}

/** Walks the segments to the frame header (SOF). Throws RangeError at the end of the bytes. */
function jpegHeader(view: DataView): PictureHeader {
  const format = "JPEG";
  for (let at = 2; at + 9 <= view.byteLength; ) {
    const marker = view.getUint8(at + 1);
    if (view.getUint8(at) !== 0xff || marker === 0xda) break;
    // Fill bytes, and markers without a length.
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
      return sized(format, view.getUint16(at + 7), view.getUint16(at + 5));
    else at += 2 + view.getUint16(at + 2);
  }
  return { format };
}

const ISPE = 0x69737065;
const AV01 = 0x61763031;

/**
 * AVIF and HEIC: the largest of the sizes of pictures ("ispe") and of frames ("av01"). Boxes are searched, not parsed:
 * they are deeply nested, and a false match is harmless.
 */
function mediaHeader(view: DataView, format: string | undefined): PictureHeader | undefined {
  if (format === undefined) return undefined;
  let [width, height] = [0, 0];
  const note = (w: number, h: number) => {
    if (w * h > width * height) [width, height] = [w, h];
  };
  for (let at = 8; at + 16 <= view.byteLength; at++) {
    const type = view.getUint32(at);
    if (type === ISPE) note(view.getUint32(at + 8), view.getUint32(at + 12));
    else if (type === AV01 && at + 32 <= view.byteLength) note(view.getUint16(at + 28), view.getUint16(at + 30));
  }
  return width === 0 ? { format } : { format, width, height };
}

/** The three kinds of first chunk: lossy, lossless, extended. */
function webpHeader(view: DataView, chunk: string): PictureHeader {
  const format = "WebP";
  if (chunk === "VP8 ") return sized(format, view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
  if (chunk === "VP8L") {
    const bits = view.getUint32(21, true);
    return sized(format, (bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
  }
  if (chunk === "VP8X") return sized(format, uint24(view, 24) + 1, uint24(view, 27) + 1);
  return { format };
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

/** The height of a picture stored from the top is negative. */
function bmpHeader(view: DataView): PictureHeader {
  if (view.getUint32(14, true) === 12) return sized("BMP", view.getUint16(18, true), view.getUint16(20, true));
  return sized("BMP", Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true)));
}
