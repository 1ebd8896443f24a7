/** Addresses and sizes of a conversation's pictures, for drawing. Each picture is decoded once. */
import type { ImageInput } from "../../api.ts";
import type { PictureItem } from "./state.ts";

export class PictureItems {
  readonly #onLoad: () => void;
  /** Undefined while a picture loads. */
  readonly #files = new WeakMap<Blob, PictureItem | undefined>();
  readonly #addresses = new Map<string, PictureItem | undefined>();

  constructor(onLoad: () => void) {
    this.#onLoad = onLoad;
  }

  /** The picture; undefined while it loads, and for what the page cannot show. Calls `onLoad` once it is known. */
  of({ image, name }: { image: ImageInput; name: string }): PictureItem | undefined {
    if (typeof image !== "string" && !(image instanceof Blob)) return undefined;
    return typeof image === "string" ? this.#find(this.#addresses, image, name) : this.#find(this.#files, image, name);
  }

  #find<K extends Blob | string>(
    known: {
      has(key: K): boolean;
      get(key: K): PictureItem | undefined;
      set(key: K, item: PictureItem | undefined): unknown;
    },
    image: K,
    name: string,
  ): PictureItem | undefined {
    if (!known.has(image)) {
      known.set(image, undefined);
      void loadPicture(image).then((shown) => {
        if (!shown) return;
        // The address would keep the file's bytes for as long as the page lives.
        if (image instanceof Blob) ADDRESSES.register(image, shown.src);
        known.set(image, { name, url: shown.src, width: shown.naturalWidth, height: shown.naturalHeight });
        this.#onLoad();
      });
    }
    return known.get(image);
  }
}

const ADDRESSES = new FinalizationRegistry<string>((address) => URL.revokeObjectURL(address));

/** The decoded picture; undefined for what this browser cannot show. The caller frees the address of a file. */
export async function loadPicture(image: Blob | string): Promise<HTMLImageElement | undefined> {
  const shown = new Image();
  shown.src = typeof image === "string" ? image : URL.createObjectURL(image);
  try {
    await shown.decode();
    return shown;
  } catch {
    if (image instanceof Blob) URL.revokeObjectURL(shown.src);
    return undefined;
  }
}
