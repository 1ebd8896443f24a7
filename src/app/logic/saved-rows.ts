/**
 * Keeps the KV cache of the page's conversation on disk, so that a reload goes on where it stood. It saves time only:
 * where it fails, the conversation runs again.
 */
import type { FoveaModel } from "../../api.ts";
import { FoveaError } from "../../errors.ts";
import { deleteStoredConversation } from "../engine.ts";

/** The only one: the page has one conversation. */
export const ROWS_NAME = "fovea-page";
/** After an answer; a next question in this time is answered first. */
const SAVE_AFTER_MS = 1000;
/** A disk that is slower than running the conversation again is of no use. */
const MAX_RESTORE_MS = 20_000;

export class SavedRows {
  readonly #model: () => Promise<FoveaModel> | undefined;
  #saving: AbortController | undefined;
  /** The storage had no room: nothing is tried again until the conversation is a new one. */
  #isFull = false;
  /** The model whose rows an earlier visit may have saved. */
  #earlier: string | undefined;

  /** @param model the loaded model of the conversation; undefined while none is loaded */
  constructor(model: () => Promise<FoveaModel> | undefined) {
    this.#model = model;
  }

  /** Saves after a while, unless `stop` comes first. */
  saveSoon(): void {
    this.stop();
    this.#earlier = undefined;
    if (this.#isFull) return;
    this.#saving = new AbortController();
    const { signal } = this.#saving;
    setTimeout(() => void this.#save(signal), SAVE_AFTER_MS);
  }

  /** Ends a save: a question must not wait for the disk. */
  stop(): void {
    this.#saving?.abort();
  }

  /** Removes what is saved. */
  async forget(): Promise<void> {
    this.stop();
    this.#isFull = false;
    this.#earlier = undefined;
    // A private window has nothing to remove.
    await deleteStoredConversation(ROWS_NAME).catch(() => false);
  }

  /** Notes that the page shows the conversation of an earlier visit, with this model. */
  expect(model: string): void {
    this.#earlier = model;
  }

  /**
   * Reads the rows of an earlier visit into a model that has just been loaded, before its first question. Never
   * rejects.
   */
  async restoreInto(key: string, model: FoveaModel): Promise<void> {
    if (key !== this.#earlier || !model.restoreConversation) return;
    this.#earlier = undefined;
    await model.restoreConversation(ROWS_NAME, { signal: AbortSignal.timeout(MAX_RESTORE_MS) }).catch(() => {});
  }

  async #save(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    try {
      const model = await this.#model();
      await model?.saveConversation?.(ROWS_NAME, { signal });
    } catch (error) {
      // Others are told by the next answer, such as a lost device.
      if (error instanceof FoveaError && error.code === "out-of-memory") this.#isFull = true;
    }
  }
}
