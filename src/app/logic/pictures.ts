/** Pictures on their way into a question: from files, the clipboard, the camera, the scene builder. Decoding for the model is the engine's. */
import type { Scene } from "../scene/scene.ts";
import type { PageStore, PictureItem } from "./state.ts";

/** More would not fit into a conversation of the shipped model. */
export const MAX_PICTURES = 4;

let nextId = 1;

export class PictureShelf {
  readonly #store: PageStore;

  constructor(store: PageStore) {
    this.#store = store;
  }

  /** Adds what of these are pictures; says what is not. */
  async addFiles(files: readonly File[]): Promise<void> {
    const refused: string[] = [];
    for (const file of files) {
      if (!file.type.startsWith("image/")) refused.push(`${file.name} is not a picture.`);
      else if (!(await this.add(file, file.name))) refused.push(`${file.name} cannot be shown; is it a picture?`);
    }
    if (refused.length > 0) this.#say(refused.join(" "));
  }

  /** Adds a picture to the next question, and shows it. Returns whether it could be read. */
  async add(blob: Blob, name: string, scene?: Scene): Promise<boolean> {
    const size = await sizeOf(blob);
    if (!size) return false;
    const { draft } = this.#store.state;
    if (draft.length >= MAX_PICTURES) {
      this.#say(`A question takes ${MAX_PICTURES} pictures at most; remove one first.`);
      return true;
    }
    const picture: PictureItem = { id: nextId++, name, blob, url: URL.createObjectURL(blob), ...size };
    if (scene) picture.scene = scene;
    this.#setDraft([...draft, picture], draft.length);
    return true;
  }

  /** Puts this one in place of all others. */
  async replaceAll(blob: Blob, name: string, scene?: Scene): Promise<void> {
    const before = this.#store.state.draft;
    this.#setDraft([], 0);
    if (!(await this.add(blob, name, scene))) this.#say(`${name} cannot be shown.`);
    for (const { url } of before) URL.revokeObjectURL(url);
  }

  /** Changes a scene in its place. */
  async replace(id: number, blob: Blob, scene: Scene): Promise<void> {
    const { draft } = this.#store.state;
    const index = draft.findIndex((picture) => picture.id === id);
    const size = await sizeOf(blob);
    if (index < 0 || !size) return;
    const old = draft[index]!;
    const picture: PictureItem = { ...old, id: nextId++, blob, url: URL.createObjectURL(blob), ...size, scene };
    this.#setDraft(draft.with(index, picture), index);
    URL.revokeObjectURL(old.url);
  }

  remove(id: number): void {
    const { draft } = this.#store.state;
    const index = draft.findIndex((picture) => picture.id === id);
    if (index < 0) return;
    this.#setDraft(draft.toSpliced(index, 1), Math.max(0, index - 1));
    URL.revokeObjectURL(draft[index]!.url);
  }

  #setDraft(draft: readonly PictureItem[], shown: number): void {
    const { view } = this.#store.state;
    this.#store.set({ draft, notice: "", view: { ...view, of: { draft: shown }, words: undefined, pinned: false } });
  }

  #say(notice: string): void {
    this.#store.set({ notice });
  }
}

/** Upright width and height; undefined for what this browser cannot decode. */
async function sizeOf(blob: Blob): Promise<{ width: number; height: number } | undefined> {
  try {
    const bitmap = await createImageBitmap(blob);
    const { width, height } = bitmap;
    bitmap.close();
    return { width, height };
  } catch {
    return undefined;
  }
}
