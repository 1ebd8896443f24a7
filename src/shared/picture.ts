/** Pictures as they travel between rooms: what callers hand in, and what the decoder hands on. Types only. */

/** Encoded bytes, pixels, or an address to fetch a picture from (`http:`, `https:`, `data:` or `blob:`). */
export type ImageInput =
  | Blob
  | ImageBitmap
  | ImageData
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | string;

/** Pixels in memory: RGBA, one byte each, alpha not multiplied in, rows from the top. An `ImageData` is one. */
export interface PixelData {
  readonly width: number;
  readonly height: number;
  /** [height, width, 4] */
  readonly data: Uint8ClampedArray | Uint8Array;
}

/** A decoded picture, upright (EXIF orientation applied). Whoever got it from `decodeImage` calls `close`. */
export interface Picture {
  /** For messages: a file's name, an address without its query, or what kind of object it was. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly pixels: ImageBitmap | PixelData;
  /** Frees a bitmap that decoding made; leaves the caller's own objects alone. Safe to call twice. */
  close(): void;
}

/** The caller's limits on what one picture may cost. */
export interface PictureBudget {
  /** Tiles that a picture is cut into at most; 1 is no tiling. */
  maxTiles?: number;
  /** Pixels of the picture at most, before it is cut. */
  maxPixels?: number;
  /** Pixels of the picture at least. */
  minPixels?: number;
}
