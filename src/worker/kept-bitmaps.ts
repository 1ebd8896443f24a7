/**
 * The last bitmaps that the page has sent. The engine knows a bitmap again by being the same object, and so keeps what
 * it has encoded; here every message brings a new copy, so the first copy of each original stands for all of them.
 */
import type { ImageInput } from "../api.ts";
import type { NumberedBitmap, SentImage } from "./protocol.ts";

/** As many as the engine keeps encoded pictures. */
const CAPACITY = 8;

export class KeptBitmaps {
  readonly #bitmaps = new Map<number, ImageBitmap>();

  /** The picture as the engine takes it. */
  unpack(image: SentImage): ImageInput {
    if (!isNumbered(image)) return image;
    const { number, bitmap } = image;
    const known = this.#bitmaps.get(number);
    if (known) bitmap.close();
    this.#bitmaps.delete(number);
    this.#bitmaps.set(number, known ?? bitmap);
    // Dropped and not closed: it may still be waiting for its turn.
    for (const oldest of this.#bitmaps.keys()) if (this.#bitmaps.size > CAPACITY) this.#bitmaps.delete(oldest);
    return known ?? bitmap;
  }
}

function isNumbered(image: SentImage): image is NumberedBitmap {
  return typeof image === "object" && image !== null && "number" in image && "bitmap" in image;
}
