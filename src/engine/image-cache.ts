/**
 * Keeps encoded pictures for the next question, per picture and compression. The key is the picture's content, so that
 * the same file picked twice is encoded once.
 */
import type { Compression, PictureBudget } from "../api.ts";
import type { EncodedPicture } from "../model/encoder/encoded-picture.ts";
import type { ImageInput, PixelData } from "../shared/picture.ts";

/** The options of a request that change a picture's rows. */
export interface PictureOptions {
  compression: Compression;
  budget: PictureBudget;
  /** The model reads the picture as one of several. */
  several?: boolean | undefined;
  /** Ids of the question, if the picture's rows depend on it. */
  question?: readonly number[] | undefined;
}

/** Number of kept pictures, enough for a usual conversation, at a few megabytes of tokens each. */
const CAPACITY = 8;

/** Encoded pictures by key. Owns their memory. */
export class ImageCache {
  readonly #images = new Map<string, EncodedPicture>();

  /** The picture; the cache still owns it. */
  get(key: string): EncodedPicture | undefined {
    const image = this.#images.get(key);
    if (image) {
      this.#images.delete(key);
      this.#images.set(key, image);
    }
    return image;
  }

  /** True if the picture is cached. Does not count as a use. */
  has(key: string): boolean {
    return this.#images.has(key);
  }

  /** Keeps the picture, which the cache owns from now on. */
  set(key: string, image: EncodedPicture): void {
    this.#images.get(key)?.arena.dispose();
    this.#images.set(key, image);
  }

  /** Frees the least recently used pictures; called when none is in use. */
  trim(): void {
    for (const [key, image] of this.#images) {
      if (this.#images.size <= CAPACITY) break;
      this.#images.delete(key);
      image.arena.dispose();
    }
  }
}

/** Identities of bitmaps: they cannot change, and their pixels cannot be read without a copy. */
const bitmapIds = new WeakMap<ImageBitmap, number>();
let nextBitmapId = 0;

/** Larger inputs are not read for a key: decoding refuses most of them, and the others are not worth keeping. */
const MAX_KEYED_BYTES = 64 << 20;

/**
 * The key of a picture. Undefined for inputs that may change later (elements, canvases) and for unreadable ones, which
 * decoding will refuse. Undefined for addresses too: their key comes from the fetched bytes.
 */
export async function pictureKey(input: ImageInput | PixelData): Promise<string | undefined> {
  try {
    return await contentKey(input);
  } catch {
    return undefined;
  }
}

/** True if a key identifies the same picture after a reload, because it is a hash of the content. */
export function isLasting(key: string): boolean {
  return !/^(bitmap|unknown) /.test(key);
}

async function contentKey(input: ImageInput | PixelData): Promise<string | undefined> {
  if (typeof input === "string") return input.startsWith("data:") ? digest(new TextEncoder().encode(input)) : undefined;
  if (input instanceof Blob) return input.size > MAX_KEYED_BYTES ? undefined : digest(await input.arrayBuffer());
  if (typeof ImageBitmap !== "undefined" && input instanceof ImageBitmap) {
    const id = bitmapIds.get(input) ?? nextBitmapId++;
    bitmapIds.set(input, id);
    return `bitmap ${id}`;
  }
  if (input !== null && typeof input === "object" && "data" in input && ArrayBuffer.isView(input.data)) {
    const { width, height, data } = input as PixelData;
    return `${width}x${height} ${await digest(data as Uint8Array<ArrayBuffer>)}`;
  }
  return undefined;
}

/** The key of a picture under the options of a request. */
export function imageKey(picture: string, { compression, budget, several = false, question }: PictureOptions): string {
  const sorted = (options: object) => JSON.stringify(options, Object.keys(options).sort());
  return `${picture} ${sorted(compression)} ${sorted(budget)}${several ? " several" : ""}${question ? ` asked ${question}` : ""}`;
}

async function digest(bytes: BufferSource): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
