/**
 * The last bitmaps that the page has sent. The engine caches encoded pictures by object identity, but each message brings
 * a new copy of a bitmap. So the first copy of each original stands for all of them.
 */
import type { ImageInput } from "../api.ts";
import type { NumberedBitmap, SentImage } from "./protocol.ts";

/** As many as the engine caches encoded pictures. */
const CAPACITY = 8;

export class KeptBitmaps {
  readonly #bitmaps = new Map<number, ImageBitmap>();

  /** The picture for the engine. */
  unpack(image: SentImage): ImageInput {
    if (!isNumbered(image)) return image;
    const { number, bitmap } = image;
    const known = this.#bitmaps.get(number);
    if (known) bitmap.close();
    this.#bitmaps.delete(number);
    this.#bitmaps.set(number, known ?? bitmap);
    // Dropped but not closed: a waiting request may still use it.
    for (const oldest of this.#bitmaps.keys()) if (this.#bitmaps.size > CAPACITY) this.#bitmaps.delete(oldest);
    return known ?? bitmap;
  }
}

function isNumbered(image: SentImage): image is NumberedBitmap {
  return typeof image === "object" && image !== null && "number" in image && "bitmap" in image;
}
