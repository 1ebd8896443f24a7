/**
 * Detects picture files that are cut short. Firefox decodes the existing part of a JPEG or PNG and leaves the rest
 * white; Chromium refuses the file. A model must not answer about half a photograph as if it were whole.
 */

/** Bytes searched first for the end. Some cameras append more data, such as a film. */
const TAIL_BYTES = 64;

/** JPEG's EOI marker, which no compressed data contains, and the type of PNG's last chunk. */
const ENDS: Readonly<Record<string, readonly number[]>> = { JPEG: [0xff, 0xd9], PNG: [0x49, 0x45, 0x4e, 0x44] };

/** @param format as in header.ts; other formats than JPEG and PNG are never cut short here */
export async function isCutShort(format: string, file: Blob): Promise<boolean> {
  const end = ENDS[format];
  if (!end || contains(new Uint8Array(await file.slice(-TAIL_BYTES).arrayBuffer()), end)) return false;
  const bytes = new Uint8Array(await file.arrayBuffer());
  return !contains(format === "JPEG" ? bytes.subarray(scanStart(bytes)) : bytes, end);
}

function contains(bytes: Uint8Array, part: readonly number[]): boolean {
  for (let at = bytes.indexOf(part[0]!); at >= 0; at = bytes.indexOf(part[0]!, at + 1))
    if (part.every((byte, i) => bytes[at + i] === byte)) return true;
  return false;
}

/** Offset of a JPEG's first scan: a segment before it may hold a thumbnail, which has an end of its own. */
function scanStart(bytes: Uint8Array): number {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at + 1] !== 0xda) at += 2 + bytes[at + 2]! * 256 + bytes[at + 3]!;
  return at;
}
