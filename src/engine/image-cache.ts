/**
 * Encoded pictures that are kept for the next question, per picture and compression. A picture is known by its content,
 * so that the same file picked twice is encoded once.
 */
import type { Compression, PictureBudget } from "../api.ts";
import type { EncodedPicture } from "../model/encoder/encoded-picture.ts";
import type { ImageInput, PixelData } from "../shared/picture.ts";

/** How a request wants its pictures. */
export interface PictureOptions {
  compression: Compression;
  budget: PictureBudget;
  /** The model reads the picture as one of several. */
  several?: boolean | undefined;
  /** Ids of the question, where the picture's rows depend on it. */
  question?: readonly number[] | undefined;
}

/** Pictures kept: what a conversation is likely to come back to, at a few megabytes of tokens each. */
const CAPACITY = 8;

export class ImageCache {
  readonly #images = new Map<string, EncodedPicture>();

  /** The picture, which stays the cache's. */
  get(key: string): EncodedPicture | undefined {
    const image = this.#images.get(key);
    if (image) {
      this.#images.delete(key);
      this.#images.set(key, image);
    }
    return image;
  }

  /** True if the picture is here. Changes nothing. */
  has(key: string): boolean {
    return this.#images.has(key);
  }

  /** Keeps the picture, which is the cache's from now on. */
  set(key: string, image: EncodedPicture): void {
    this.#images.get(key)?.arena.dispose();
    this.#images.set(key, image);
  }

  /** Frees the pictures that were not asked for the longest; called when none is in use. */
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

/** Larger ones are not read for their key: no picture that is worth keeping, or none that will be decoded. */
const MAX_KEYED_BYTES = 64 << 20;

/**
 * What a picture is known by, or undefined for those that may change behind our back (elements, canvases), for
 * addresses, which are known by what was fetched, and for what cannot be read, which decoding will refuse.
 */
export async function pictureKey(input: ImageInput | PixelData): Promise<string | undefined> {
  try {
    return await contentKey(input);
  } catch {
    return undefined;
  }
}

/** Whether what a picture is known by, or a key made of it, means the same after a reload: it is a hash of the content. */
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

/** A picture under the options of a request. */
export function imageKey(picture: string, { compression, budget, several = false, question }: PictureOptions): string {
  const sorted = (options: object) => JSON.stringify(options, Object.keys(options).sort());
  return `${picture} ${sorted(compression)} ${sorted(budget)}${several ? " several" : ""}${question ? ` asked ${question}` : ""}`;
}

async function digest(bytes: BufferSource): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
