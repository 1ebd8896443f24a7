/**
 * The pictures of one request. They are fetched and decoded before the request waits for the GPU. No other request or
 * tab then waits for a server or a decoder.
 */
import type { ImageInput, PictureBudget } from "../api.ts";
import { decodeFetched, decodeImage } from "../image/decode.ts";
import { type FetchedPicture, fetchPicture } from "../image/fetch-picture.ts";
import type { Picture } from "../shared/picture.ts";
import { pictureKey } from "./image-cache.ts";

/**
 * Pixels that are decoded ahead, 256 MiB: enough for a phone's photographs in a conversation. Further pictures are
 * decoded one by one when the encoder reads them; their bytes have arrived by then.
 */
const MAX_PIXELS_AHEAD = 2 ** 26;

/** A picture of a request, and limits of its own where the request has none, as pictures of videos have. */
export interface RequestedPicture {
  image: ImageInput;
  budget?: PictureBudget | undefined;
}

/** Fetched and decoded pictures, in the order of the request. `close` frees them. */
export class RequestPictures {
  readonly #signal: AbortSignal | undefined;
  readonly #pictures: RequestPicture[];

  /** Starts fetching. The caller calls `close`. */
  constructor(inputs: readonly RequestedPicture[], signal?: AbortSignal) {
    this.#signal = signal;
    this.#pictures = inputs.map((input) => new RequestPicture(input, signal));
  }

  /** In the order of the conversation. */
  get all(): readonly RequestPicture[] {
    return this.#pictures;
  }

  /**
   * Waits for the fetches, and decodes pictures without a known key.
   *
   * @throws as `decodeImage`
   */
  async ready(isKnown: (key: string, picture: RequestPicture) => boolean = () => false): Promise<void> {
    let pixels = 0;
    for (const picture of this.#pictures) {
      const key = await picture.key();
      if (pixels >= MAX_PIXELS_AHEAD || (key !== undefined && isKnown(key, picture))) continue;
      pixels += await picture.decodeAhead(this.#signal);
    }
  }

  /** Frees decoded pictures that were not taken. Safe to call twice. */
  close(): void {
    for (const picture of this.#pictures) picture.close();
  }
}

/** One picture of a request. */
export class RequestPicture {
  readonly #input: ImageInput;
  readonly #budget: PictureBudget;
  /** Of an address. */
  readonly #fetched: Promise<FetchedPicture> | undefined;
  #key: Promise<string | undefined> | undefined;
  #decoded: Picture | undefined;

  constructor({ image, budget = {} }: RequestedPicture, signal: AbortSignal | undefined) {
    this.#input = image;
    this.#budget = budget;
    this.#fetched = typeof image === "string" ? fetchPicture(image, signal) : undefined;
    // The wait for the picture throws its error; until then it must not count as unhandled.
    this.#fetched?.catch(() => {});
  }

  /** The request's limits, and its own where the request has none. */
  budgetUnder(budget: PictureBudget): PictureBudget {
    return { ...this.#budget, ...budget };
  }

  /** Key of the picture in caches, see `pictureKey`. Throws as `fetchPicture`. */
  async key(): Promise<string | undefined> {
    const fetched = await this.#fetched;
    this.#key ??= pictureKey(fetched?.blob ?? this.#input);
    return this.#key;
  }

  /** Returns the number of pixels. Throws as `decodeImage`. */
  async decodeAhead(signal: AbortSignal | undefined): Promise<number> {
    this.#decoded ??= await this.#decode(signal);
    return this.#decoded.width * this.#decoded.height;
  }

  /** The decoded picture, which the caller closes. Throws as `decodeImage`. */
  async take(signal: AbortSignal | undefined): Promise<Picture> {
    const picture = this.#decoded ?? (await this.#decode(signal));
    this.#decoded = undefined;
    return picture;
  }

  close(): void {
    this.#decoded?.close();
    this.#decoded = undefined;
  }

  async #decode(signal: AbortSignal | undefined): Promise<Picture> {
    const fetched = await this.#fetched;
    return fetched ? decodeFetched(fetched, signal) : decodeImage(this.#input, { signal });
  }
}
