/** Small copies of models: one is made at a time, also while its dialog is closed. */
import type { SmallCopy, SmallCopyOptions, SmallCopyProgress } from "../../api.ts";
import { originalOf, shownSource } from "../../shared/small-copy.ts";
import { deleteStoredModel } from "../engine.ts";
import type { PageModels } from "./models.ts";
import { problemOf } from "./problem.ts";
import type { CopyState, PageStore } from "./state.ts";

/** The parts of the page that copies need. */
export interface CopyingPage {
  readonly store: PageStore;
  readonly models: Pick<PageModels, "copy">;
  choose(source: string, name: string): void;
  preferCopy(key: string, copy: string): void;
}

export class SmallCopies {
  readonly #app: CopyingPage;
  #running: AbortController | undefined;

  constructor(app: CopyingPage) {
    this.#app = app;
  }

  /** Makes a copy of the chosen model; the next visit loads it. Shows errors and throws none. */
  async make(weights: SmallCopyOptions["weights"]): Promise<void> {
    if (this.#running) return;
    const { source: key, name, isKept } = this.#app.store.state.model;
    const running = new AbortController();
    this.#running = running;
    this.#show({ name, state: "running", progress: undefined });
    try {
      const onProgress = (progress: SmallCopyProgress) => this.#show({ name, state: "running", progress });
      const result = await this.#app.models.copy(key, { weights, signal: running.signal, onProgress });
      this.#app.preferCopy(key, result.source);
      this.#show({ name, state: "done", result, isOriginalStored: isKept });
    } catch (error) {
      const problem = problemOf(error);
      this.#show(problem && { name, state: "failed", problem });
    } finally {
      this.#running = undefined;
    }
  }

  /** Stops the copy that is being made; nothing of it stays. */
  stop(): void {
    this.#running?.abort();
  }

  /** Replaces the model by its copy. */
  use({ source }: SmallCopy): void {
    this.#app.choose(source, shownSource(source));
  }

  /** Deletes the stored original of a copy. */
  async deleteOriginal(name: string, result: SmallCopy): Promise<void> {
    await deleteStoredModel(originalOf(result.source)!);
    this.#show({ name, state: "done", result, isOriginalStored: false });
  }

  #show(copy: CopyState | undefined): void {
    this.#app.store.set({ copy });
  }
}
