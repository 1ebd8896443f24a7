/**
 * The EXIF orientation of a WebP, which Chromium and others do not apply (they do for JPEG and PNG). The chunk is hidden
 * from the decoder, so that no browser turns the picture a second time.
 */

/** One of the eight EXIF orientations; 1 is upright. */
export interface Turned {
  orientation: number;
  /** The same file without its EXIF chunk. */
  file: Blob;
}

/** A still picture has at most six chunks; frames of an animation come before the EXIF chunk. */
const MAX_CHUNKS = 4096;
/** The orientation lies in the first directory. */
const EXIF_BYTES = 4096;

/** Returns undefined for a file that is upright already, has no EXIF, or is damaged. */
export async function webpOrientation(blob: Blob): Promise<Turned | undefined> {
  let at = 12; // after "RIFF", the size and "WEBP"
  for (let chunk = 0; chunk < MAX_CHUNKS && at + 8 <= blob.size; chunk++) {
    const header = await viewOf(blob, at, 8);
    const length = header.getUint32(4, true);
    if (header.getUint32(0) === EXIF) {
      const orientation = readOrientation(await viewOf(blob, at + 8, Math.min(length, EXIF_BYTES)));
      if (orientation === undefined || orientation === 1) return undefined;
      // Readers skip chunks that they do not know.
      const file = new Blob([blob.slice(0, at), "none", blob.slice(at + 4)], { type: blob.type });
      return { orientation, file };
    }
    at += 8 + length + (length % 2);
  }
  return undefined;
}

const EXIF = 0x45584946; // "EXIF"
const ORIENTATION_TAG = 0x112;

async function viewOf(blob: Blob, at: number, length: number): Promise<DataView> {
  return new DataView(await blob.slice(at, at + length).arrayBuffer());
}

/** The orientation in a TIFF header and its first directory, with or without "Exif" before them. */
function readOrientation(view: DataView): number | undefined {
  try {
    const start = view.getUint32(0) === 0x45786966 ? 6 : 0;
    const isLittle = view.getUint16(start) === 0x4949;
    const directory = start + view.getUint32(start + 4, isLittle);
    const entries = view.getUint16(directory, isLittle);
    for (let entry = 0; entry < entries; entry++) {
      const at = directory + 2 + entry * 12;
      if (view.getUint16(at, isLittle) !== ORIENTATION_TAG) continue;
      const value = view.getUint16(at + 8, isLittle);
      return value >= 1 && value <= 8 ? value : undefined;
    }
  } catch (error) {
    // The directory is cut short or points outside.
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

/**
 * Draws a bitmap upright, over white, because a canvas does not keep the colours of transparent pixels.
 *
 * @param orientation 2 to 8, as EXIF defines them
 * @returns a canvas; the bitmap stays the caller's
 */
export function drawUpright(bitmap: ImageBitmap, orientation: number): OffscreenCanvas {
  const { width, height } = bitmap;
  const canvas = orientation < 5 ? new OffscreenCanvas(width, height) : new OffscreenCanvas(height, width);
  const context = canvas.getContext("2d", { alpha: false })!;
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.setTransform(...transformOf(orientation, width, height));
  context.drawImage(bitmap, 0, 0);
  return canvas;
}

/** The matrix from stored pixels to upright ones. */
function transformOf(
  orientation: number,
  width: number,
  height: number,
): [number, number, number, number, number, number] {
  switch (orientation) {
    case 2:
      return [-1, 0, 0, 1, width, 0];
    case 3:
      return [-1, 0, 0, -1, width, height];
    case 4:
      return [1, 0, 0, -1, 0, height];
    case 5:
      return [0, 1, 1, 0, 0, 0];
    case 6:
      return [0, 1, -1, 0, height, 0];
    case 7:
      return [0, -1, -1, 0, height, width];
    case 8:
      return [0, -1, 1, 0, 0, width];
    default:
      return [1, 0, 0, 1, 0, 0];
  }
}
