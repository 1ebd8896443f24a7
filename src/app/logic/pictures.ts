/** The pictures of the next question: from files, clipboard, camera or scene builder. The engine decodes them for the model. */

import { droppedFiles } from "../../element/dropped.ts";
import { errorSentence } from "../../element/wording.ts";
import { FoveaError } from "../../errors.ts";
import type { Size } from "../../image/geometry.ts";
import { measurePicture, nameInText, refusalOf } from "../../image/measure.ts";
import type { Scene } from "../scene/scene.ts";
import type { PageStore, PictureItem } from "./state.ts";

/** More pictures do not fit into the demo model's context. */
export const MAX_PICTURES = 4;

let nextId = 1;

export class PictureShelf {
  readonly #store: PageStore;

  constructor(store: PageStore) {
    this.#store = store;
  }

  /** Adds the pictures among these files and reports the others. The bytes decide, not the name or the type. */
  async addFiles(files: readonly File[]): Promise<void> {
    const refused: string[] = [];
    for (const file of files) refused.push(await this.add(file, file.name));
    const notice = refused.filter(Boolean).join(" ");
    if (notice !== "") this.#say(notice);
  }

  /** As `addFiles`, for what was dropped; reports an address without a picture that this page may read. */
  async addDropped(data: DataTransfer): Promise<void> {
    try {
      await this.addFiles(await droppedFiles(data));
    } catch (error) {
      this.#say(errorSentence(error));
    }
  }

  /** Adds a picture to the next question and shows it. Returns why it was not added, else "". */
  async add(blob: Blob, name: string, scene?: Scene): Promise<string> {
    let size: Size;
    try {
      size = await sizeOf(blob, nameInText(name));
    } catch (error) {
      if (!(error instanceof FoveaError)) throw error;
      return errorSentence(error);
    }
    const { draft } = this.#store.state;
    if (draft.length >= MAX_PICTURES) return `A question takes at most ${MAX_PICTURES} pictures; remove one first.`;
    const picture: PictureItem = { id: nextId++, name, blob, url: URL.createObjectURL(blob), ...size };
    if (scene) picture.scene = scene;
    this.#setDraft([...draft, picture], draft.length);
    return "";
  }

  /** Replaces all pictures by this one. */
  async replaceAll(blob: Blob, name: string, scene?: Scene): Promise<void> {
    const before = this.#store.state.draft;
    this.#setDraft([], 0);
    const refused = await this.add(blob, name, scene);
    if (refused !== "") this.#say(refused);
    for (const picture of before) this.#free(picture);
  }

  /** Replaces a scene's picture in its place. */
  async replace(id: number, blob: Blob, scene: Scene): Promise<void> {
    const { draft } = this.#store.state;
    const index = draft.findIndex((picture) => picture.id === id);
    const old = draft[index];
    if (!old) return;
    const size = await sizeOf(blob, old.name);
    const picture: PictureItem = { ...old, id: nextId++, blob, url: URL.createObjectURL(blob), ...size, scene };
    this.#setDraft(draft.with(index, picture), index);
    this.#free(old);
  }

  remove(id: number): void {
    const { draft } = this.#store.state;
    const index = draft.findIndex((picture) => picture.id === id);
    if (index < 0) return;
    this.#setDraft(draft.toSpliced(index, 1), Math.max(0, index - 1));
    this.#free(draft[index]!);
  }

  /** Frees a picture's address, unless the conversation shows the picture. */
  #free({ url }: PictureItem): void {
    const isShown = this.#store.state.turns.some(({ pictures }) => pictures.some((picture) => picture.url === url));
    if (!isShown) URL.revokeObjectURL(url);
  }

  #setDraft(draft: readonly PictureItem[], shown: number): void {
    const { view } = this.#store.state;
    this.#store.set({ draft, notice: "", view: { ...view, of: { draft: shown }, words: undefined, pinned: false } });
  }

  #say(notice: string): void {
    this.#store.set({ notice });
  }
}

/** Upright width and height. Throws FoveaError `bad-image` if this browser cannot decode the picture. */
async function sizeOf(blob: Blob, name: string): Promise<Size> {
  await measurePicture(name, blob);
  try {
    const bitmap = await createImageBitmap(blob);
    const { width, height } = bitmap;
    bitmap.close();
    return { width, height };
  } catch {
    throw await refusalOf(name, blob);
  }
}
