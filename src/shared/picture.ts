/** Pictures between rooms: the callers' input and the decoder's output. Types only. */

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

/** A decoded picture, upright (EXIF orientation applied). The caller of `decodeImage` calls `close`. */
export interface Picture {
  /** For messages: a file's name, an address without its query, or the kind of object. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly pixels: ImageBitmap | PixelData;
  /** Frees a bitmap of the decoder; leaves the caller's objects open. Safe to call twice. */
  close(): void;
}

/** The caller's limits on what one picture may cost. */
export interface PictureBudget {
  /** Largest number of tiles of a picture, without its overview; 1 disables tiling. */
  maxTiles?: number;
  /** Pixels that the model reads at most; an overview beside tiles is not counted. */
  maxPixels?: number;
  /** Pixels that the model reads at least. */
  minPixels?: number;
}
