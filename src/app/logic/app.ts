/** The page's logic in one object: the state, and everything that changes it. */
import { pictureOf } from "../scene/draw.ts";
import type { Sample } from "../scene/samples.ts";
import { Asker } from "./asker.ts";
import { ModelKeeper } from "./models.ts";
import { PictureShelf } from "./pictures.ts";
import type { Settings } from "./settings.ts";
import { initialState, type PageState } from "./state.ts";
import { Store } from "./store.ts";

export class App {
  readonly store = new Store<PageState>(initialState());
  readonly models = new ModelKeeper(this.store);
  readonly pictures = new PictureShelf(this.store);
  readonly asker = new Asker(this.store, this.models);

  /** Changes the settings of the next question. */
  set(change: Partial<Settings>): void {
    this.store.set({ settings: { ...this.store.state.settings, ...change } });
  }

  /** Reloads with the waiting update. offline.ts sets it. */
  update: () => void = () => {};

  /** Makes a sample the next question: its picture, instead of others, and its words. */
  async showSample({ name, title, scene, question }: Sample): Promise<void> {
    this.store.set({ question });
    // The file has the emoji that the model knows; drawing here would use this computer's font.
    const blob = (await loadPicture(`samples/${name}`)) ?? (await pictureOf(scene));
    await this.pictures.replaceAll(blob, title, scene);
  }
}

/** A picture of the page's own folder. */
async function loadPicture(address: string): Promise<Blob | undefined> {
  const image = new Image();
  image.src = new URL(address, document.baseURI).href;
  try {
    await image.decode();
  } catch {
    return undefined;
  }
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  canvas.getContext("2d")!.drawImage(image, 0, 0);
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? undefined), "image/png"));
}
