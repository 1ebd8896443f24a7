/** The page's logic in one object: the state, the element with the conversation, and everything that changes them. */

import type { FoveaModel } from "../../api.ts";
import { EngineRegistry } from "../../element/engines.ts";
import type { FoveaChatEventMap } from "../../element/events.ts";
import { FoveaChat } from "../../element/fovea-chat.ts";
import { serverIn, serverSource, useKey } from "../../element/server-source.ts";
import { isRunning } from "../../element/turns.ts";
import { type ModelAccess, type ModelSource, SHIPPED_MODEL } from "../engine.ts";
import type { ServerChoice } from "../parts/server-form.ts";
import { isOwnPicture, type Sample } from "../scene/samples.ts";
import { compare } from "./compare.ts";
import { forgetKept, type Kept, keep } from "./history.ts";
import { type LiveOptions, watch } from "./live.ts";
import { PageModels } from "./models.ts";
import { askToKeepStorage } from "./offline.ts";
import { PictureItems } from "./picture-items.ts";
import { SavedRows } from "./saved-rows.ts";
import { keepServerKey, keptServerKey } from "./server-keys.ts";
import { elementSettings, followDefaults, type Settings, settingsOf } from "./settings.ts";
import { SmallCopies } from "./small-copies.ts";
import { FIRST_VIEW, initialState, type PageState, type View } from "./state.ts";
import { Store } from "./store.ts";

/** Changes of a conversation within this time are kept together. */
const KEEP_AFTER_MS = 500;

export class App {
  readonly store = new Store<PageState>(initialState());
  readonly rows = new SavedRows(() => this.#loaded());
  readonly models = new PageModels(
    (notice) => this.#setModel({ isKept: false }, { notice }),
    (...loaded) => this.rows.restoreInto(...loaded),
  );
  readonly copies = new SmallCopies(this);
  readonly pictures = new PictureItems(() => this.store.set({}));
  /** Reloads with the waiting update. offline.ts sets it. */
  update: () => void = () => {};
  #chat: FoveaChat | undefined;
  #comparing: AbortController | undefined;
  /** True if an answer runs. The element changes its turns in place, so that those before do not tell. */
  #isBusy = false;
  #keeping: ReturnType<typeof setTimeout> | undefined;
  /** The next visit loads this one if the chosen model could not be loaded: a mistyped address is not tried for ever. */
  #lastLoaded: string = SHIPPED_MODEL;

  constructor() {
    FoveaChat.engines = new EngineRegistry(this.models.load);
  }

  /** The element with the conversation. The page calls this once. */
  attach(chat: FoveaChat): void {
    this.#chat = chat;
    const on = <K extends keyof FoveaChatEventMap>(name: K, take: (detail: FoveaChatEventMap[K]["detail"]) => void) =>
      chat.addEventListener(name, ({ detail }) => take(detail as FoveaChatEventMap[K]["detail"]));
    on("fovea-progress", (progress) => this.#setModel({ progress, hasFailed: false }));
    on("fovea-ready", ({ info }) => {
      const { settings, defaults: before } = this.store.state;
      const defaults = settingsOf(info);
      this.#setModel(
        { info, progress: undefined, hasFailed: false },
        { defaults, settings: followDefaults(settings, before, defaults) },
      );
      // Before the question that waited for the model reads them.
      this.#passSettings();
      this.#lastLoaded = this.#source();
    });
    on("fovea-error", () => {
      // Without a model it is the load that failed, not an answer.
      const hasFailed = !this.store.state.model.info;
      this.#setModel({ progress: undefined, hasFailed });
      if (hasFailed) this.#keepSoon();
    });
    on("fovea-turns", ({ turns }) => this.#takeTurns([...turns]));
    on("fovea-words", ({ turn, words }) => {
      if (turn === undefined) this.view({ words: undefined });
      else this.view({ turn, words, mode: "gaze" }, true);
    });
    on("fovea-inspect", ({ turn }) => this.view({ ...FIRST_VIEW, turn }, true));
    // The element's own button for half of the tokens.
    new MutationObserver(() => this.#takeTokens()).observe(chat, { attributeFilter: ["tokens"] });
    this.#passSettings();
  }

  get chat(): FoveaChat {
    return this.#chat!;
  }

  /** Replaces the model. */
  choose(source: ModelSource, name: string, access: ModelAccess = {}): void {
    const key = this.models.register(source, name, access);
    const isKept = typeof source === "string" && access.cache !== "none" && !serverIn(source);
    this.#setModel(
      { source: key, name, progress: undefined, info: undefined, hasFailed: false, isKept, copy: undefined },
      { notice: "" },
    );
    this.chat.pictureFirst = key === SHIPPED_MODEL;
    this.chat.model = key;
    // A failed one is loaded again.
    void this.chat.load().catch(() => {});
    this.#keepSoon();
  }

  /** Makes the next visit load a small copy of the model, if it is still the chosen one. */
  preferCopy(key: string, copy: string): void {
    if (this.store.state.model.source !== key) return;
    this.#setModel({ copy });
    this.#keepSoon();
  }

  /** Replaces the model by one on a server. Throws nothing; the element shows a wrong address. */
  async chooseServer({ address, model, apiKey, keepsKey }: ServerChoice): Promise<void> {
    const source = serverSource(address, model);
    useKey(source, apiKey);
    await keepServerKey(source, keepsKey ? apiKey : undefined);
    this.choose(source, model);
  }

  /** The same of a source that this page has kept, with the key if that was kept too. */
  async openServer(source: string): Promise<void> {
    const { address, model } = serverIn(source)!;
    const same = serverSource(address, model);
    useKey(same, await keptServerKey(source));
    this.choose(same, model);
  }

  /** Goes on with what an earlier visit kept. */
  restore({ model, settings, defaults, turns }: Kept): void {
    this.#lastLoaded = model;
    this.store.set({ defaults });
    this.set(settings);
    this.chat.restore(turns);
    if (turns.length > 0) this.rows.expect(model);
  }

  /** Changes the settings of the next question. */
  set(change: Partial<Settings>): void {
    this.store.set({ settings: { ...this.store.state.settings, ...change } });
    this.#passSettings();
    this.#keepSoon();
  }

  /** Changes what the inspector shows. @param opens whether the inspector opens with it */
  view(change: Partial<View>, opens = false): void {
    const { view, isInspecting } = this.store.state;
    this.store.set({ view: { ...view, ...change }, isInspecting: isInspecting || opens });
  }

  /** Asks a sample's question about its picture, in a new conversation. */
  async ask({ name, question }: Sample): Promise<void> {
    const picture = new URL(`samples/${name}`, document.baseURI).href;
    // Clearing ends a load, which an empty conversation need not.
    if (this.chat.turns.length > 0) this.chat.clear();
    await this.chat.ask(question, picture).catch(() => {});
  }

  /** The model of the conversation, which the element holds; undefined while none is loaded. Starts no download. */
  #loaded(): Promise<FoveaModel> | undefined {
    return this.store.state.model.info && this.#withModel(async (model) => model);
  }

  /** Keeps the model loaded while `work` uses it. */
  async #withModel<T>(work: (model: FoveaModel) => Promise<T>): Promise<T> {
    const lease = FoveaChat.engines.lease(this.store.state.model.source, { onProgress() {}, onWait() {} });
    try {
      return await work(await lease.model);
    } finally {
      lease.release();
    }
  }

  /** Asks about what a camera sees until the signal aborts. Throws as `watch` of live.ts. */
  async watch(options: Omit<LiveOptions, "settings">): Promise<void> {
    const { settings } = this.store.state;
    await this.#withModel((model) => watch(model, { ...options, settings }));
  }

  /** Compares the last answer with and without compression and inhibition. */
  async compare(): Promise<void> {
    this.#comparing?.abort();
    this.rows.stop();
    this.#comparing = new AbortController();
    const { signal } = this.#comparing;
    const { turns, settings } = this.store.state;
    await this.#withModel((model) =>
      compare(model, turns, settings, signal, (comparison) => {
        if (!signal.aborted) this.store.set({ comparison });
      }),
    );
  }

  #takeTurns(turns: PageState["turns"]): void {
    const before = this.store.state.turns;
    this.#keepRows(before.length > 0, turns);
    const isNew = turns.length > before.length;
    this.chat.classList.toggle(
      "own-pictures",
      turns.every(({ pictures }) => pictures.every(isOwnPicture)),
    );
    if (turns.length < before.length || isNew) {
      this.#comparing?.abort();
      this.store.set({ comparison: undefined });
    }
    const { view } = this.store.state;
    this.store.set({
      turns,
      ...(isNew && { view: { ...FIRST_VIEW, mode: view.mode === "picture" ? "picture" : "tokens" } }),
    });
    if (isNew) askToKeepStorage();
    // Opens once, by the first answer that has something to show.
    if (before.length <= 1 && turns.length === 1 && turns[0]!.answers.some(({ seen }) => seen.length > 0)) {
      if (matchMedia("(min-width: 60rem)").matches) this.store.set({ isInspecting: true });
    }
    this.#keepSoon();
  }

  /** Saves the rows of an answer that has just ended, and removes those of a conversation that was cleared. */
  #keepRows(hadTurns: boolean, turns: PageState["turns"]): void {
    const wasBusy = this.#isBusy;
    this.#isBusy = turns.some(({ answers }) => answers.some(isRunning));
    if (turns.length === 0) {
      if (hadTurns) void this.rows.forget();
    } else if (this.#isBusy) this.rows.stop();
    else if (wasBusy) this.rows.saveSoon();
  }

  #takeTokens(): void {
    const { tokens } = this.chat;
    const { settings, model } = this.store.state;
    // As the page itself has set it, also to the model's default.
    if (tokens === elementSettings(settings, model.info).tokens) return;
    const budget =
      tokens === null || tokens === "none"
        ? 1
        : typeof tokens === "string"
          ? Number.parseFloat(tokens) / 100
          : undefined;
    if (budget !== undefined && budget !== settings.budget)
      this.set(budget === 1 ? { budget } : { budget, method: "vmtc", stages: 3 });
  }

  #passSettings(): void {
    if (!this.#chat) return;
    const { settings, model } = this.store.state;
    this.#chat.record = settings.watch;
    Object.assign(this.#chat, elementSettings(settings, model.info));
  }

  #setModel(change: Partial<PageState["model"]>, more: Partial<PageState> = {}): void {
    this.store.set({ model: { ...this.store.state.model, ...change }, ...more });
  }

  /** The model's address for a later visit, which cannot open the user's files again. */
  #source(): string {
    const { source, copy } = this.store.state.model;
    return copy ?? (this.models.isAddress(source) ? source : SHIPPED_MODEL);
  }

  #keepSoon(): void {
    clearTimeout(this.#keeping);
    // A cleared conversation is gone at once, also for a tab that is just being opened.
    const delay = this.store.state.turns.length === 0 ? 0 : KEEP_AFTER_MS;
    this.#keeping = setTimeout(() => {
      const { model, settings, defaults, turns } = this.store.state;
      if (turns.some(({ answers }) => answers.some(isRunning))) return;
      const source = model.hasFailed ? this.#lastLoaded : this.#source();
      void (turns.length === 0 && source === SHIPPED_MODEL
        ? forgetKept()
        : keep({ model: source, settings, defaults, turns }));
    }, delay);
  }
}
