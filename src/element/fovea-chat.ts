/**
 * The element: a conversation with a model about pictures. Connects the parts of this room. define.ts registers it.
 */
import { html, LitElement, type PropertyDeclaration, type PropertyValues, type TemplateResult } from "lit";
import type { AnswerFormat, FoveaModel, ImageInput, ModelInfo, Tool } from "../api.ts";
import { FoveaError } from "../errors.ts";
import { ATTRIBUTES } from "./attributes.ts";
import { Composer } from "./composer.ts";
import { Conversation } from "./conversation.ts";
import { takeModel } from "./dropped-model.ts";
import { EngineSlot, type EngineState } from "./engine-slot.ts";
import { EngineRegistry } from "./engines.ts";
import type { FoveaChatEventMap } from "./events.ts";
import { HalfSwitch } from "./half-line.ts";
import { loadHere, planHere } from "./local-engines.ts";
import { plainText } from "./markdown.ts";
import { PaintPace, StickToEnd } from "./painting.ts";
import { type ChatPicture, takePicture } from "./pictures.ts";
import { chatSource, serverHost, useKey } from "./server-source.ts";
import { elementSettings, type TokenBudget } from "./settings.ts";
import { SizeOffer } from "./size-offer.ts";
import { styles } from "./styles.ts";
import { callTools } from "./tool-calls.ts";
import { renderEmpty, renderEngine, renderHeader, renderTurns, type TranscriptActions } from "./transcript.ts";
import { type AnswerSettings, shownAnswer, type Turn } from "./turns.ts";
import { WordPointer } from "./word-pointer.ts";
import { isAbort } from "./wording.ts";

/** Changes of these load another model. */
const SOURCE_FIELDS = ["model", "server", "apiKey"];

/** A turn of a conversation. */
export type ChatTurn = Turn<ChatPicture>;

/** `<fovea-chat>`; see docs/element.md for its attributes, events, parts and custom properties. */
export class FoveaChat extends LitElement {
  /** The registry from which all elements get their engines. A page may replace it before the first use. */
  static engines = new EngineRegistry(loadHere, planHere);

  static override styles = styles;

  static override properties = ATTRIBUTES;

  /** The model: a known name, "hf:owner/name", or the address of a folder in Hugging Face layout. */
  declare model: string | null;
  /** Address of a server with OpenAI's interface that runs the model, such as "https://host/v1"; `model` is its name there. */
  declare server: string | null;
  /** The server's key. No attribute, because scripts and tools read those. */
  declare apiKey: string | null;
  /** Most image tokens that the model reads per picture, a share such as "50%", or "none" for all; null for the model's default. */
  declare tokens: TokenBudget;
  /** Share of the image tokens that the last layer inhibits, from 0 (off) to 1; null for the model's default. */
  declare inhibit: number | null;
  /** The form of the answers, in the attribute as JSON, or "json"; null for free text. */
  declare format: AnswerFormat | null;
  /** Functions that the model may call. `fovea-call` asks the page to run them. */
  declare tools: readonly Tool[] | null;
  /** System prompt: instructions that the model reads before the conversation. */
  declare system: string | null;
  /** Placeholder of the question field. */
  declare placeholder: string | null;
  /** True if the model loads immediately, not with the first question. */
  declare autoload: boolean;
  /** True if answers record where their words looked, for `fovea-words`. It costs a little time. */
  declare record: boolean;
  /** True if a conversation begins with a picture: for models that answer nothing sensible without one. */
  declare pictureFirst: boolean;
  /** More fields of each request, such as `maxTokens`. They win over `tokens` and `inhibit`. */
  declare settings: AnswerSettings | null;

  readonly #engine = new EngineSlot({
    onState: (state) => this.#onEngineState(state),
    onProgress: (progress, waiting) => this.#emit("fovea-progress", { ...progress, waiting }),
  });
  readonly #conversation = new Conversation<ChatPicture>({
    model: () => this.#model(),
    settings: (info) => elementSettings(this, info),
    system: () => this.system ?? "",
    onTurns: () => {
      this.requestUpdate();
      this.#emit("fovea-turns", { turns: this.turns });
    },
    onText: ({ text: answer }, text) => {
      this.#emit("fovea-text", { text, answer });
      this.#pace.soon();
    },
    callTools: (calls) => callTools(this, calls),
    onDone: ({ text: answer, state, stats, toolCalls = [] }) => {
      this.#announcement = `Answer: ${plainText(answer)}`;
      const reason = state === "stop" || state === "length" ? state : "abort";
      this.#emit("fovea-done", { answer, reason, stats, toolCalls });
    },
    onError: (error) => {
      this.#engine.onModelError(error);
      this.#tell(error);
    },
  });
  readonly #composer = new Composer(this, {
    onQuestion: (...asked) => void this.#ask(...asked).catch(ignore),
    onStop: () => this.stop(),
    onModel: (files) => takeModel(this, files),
    count: async (...asked) =>
      this.#engine.state.phase === "ready" ? this.#conversation.count(await this.#model(), ...asked) : undefined,
  });
  readonly #half = new HalfSwitch(this);
  readonly #sizes = new SizeOffer(this);
  readonly #words = new WordPointer(() => {
    this.requestUpdate();
    this.#emit("fovea-words", this.#words.pointed ?? { turn: undefined, words: undefined, isPinned: false });
  });
  readonly #actions: TranscriptActions = {
    askAgain: (turn) => void this.#conversation.askAgain(turn).catch(ignore),
    askShorter: (turn, what) => void this.#conversation.askShorter(turn, what).catch(ignore),
    copy: (text) => {
      void navigator.clipboard?.writeText(text).then(() => {
        this.#announcement = "Copied.";
        this.requestUpdate();
      }, ignore);
    },
    edit: (turn) => {
      this.#conversation.cut(turn);
      this.#composer.fill(turn.question, turn.pictures);
    },
    inspect: ({ id: turn }) => this.#emit("fovea-inspect", { turn }),
    show: (turn, answer) => {
      this.#words.clear();
      this.#conversation.show(turn, answer);
    },
    clear: () => {
      this.clear();
      this.focus();
    },
    load: () => void this.load().catch(ignore),
    cancel: () => this.stop(),
    switchHalf: () => this.#half.switch(),
  };
  /** Errors that an event reported: one may end a load and the question that waited for it. */
  readonly #told = new WeakSet<object>();
  readonly #pace = new PaintPace(this);
  readonly #end = new StickToEnd(this, () => this.renderRoot.querySelector(".transcript:has(.turn)"));
  #announcement = "";
  #phase: EngineState["phase"] = "none";
  #leaving: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    const none = Object.entries(ATTRIBUTES).map(([name, { type }]) => [name, type === Boolean ? false : null]);
    Object.assign(this, Object.fromEntries(none));
  }

  /** The conversation, oldest turn first. Do not change it. */
  get turns(): readonly ChatTurn[] {
    return this.#conversation.turns;
  }

  /**
   * Asks a question once earlier ones are answered. Loads the model if needed. Resolves with the answer.
   *
   * Rejects like `Fovea.load` and `Fovea.generate`: with a FoveaError (`aborted` after `stop()`), and with TypeError or
   * RangeError for a wrong argument or attribute.
   */
  async ask(text: string, image?: ImageInput | readonly ImageInput[]): Promise<string> {
    if (typeof text !== "string" || text.trim() === "") throw new TypeError("text must be a non-empty string");
    const images = image === undefined ? [] : Array.isArray(image) ? image : [image];
    return this.#ask(text, images.map(takePicture));
  }

  /**
   * Asks a turn's question again, in its place: the answers so far stay beside the new one. Resolves and rejects like
   * `ask`, and rejects with RangeError for an id of no turn.
   *
   * @param settings fields of this request only; they win over the element's
   */
  async askAgain(turn: number, settings: AnswerSettings = {}): Promise<string> {
    const found = this.turns.find(({ id }) => id === turn);
    if (!found) throw new RangeError(`no turn has the id ${turn}`);
    return this.#conversation.askAgain(found, settings);
  }

  /** Adds pictures to the next question, as if a user had chosen or dropped them. */
  attach(pictures: readonly File[] | DataTransfer): void {
    this.#composer.attach(pictures);
  }

  /** Replaces the conversation by an earlier one, from `turns` of any element. Its pictures need `image` only. */
  restore(
    turns: readonly (Omit<ChatTurn, "id" | "pictures"> & { pictures: readonly { image: ImageInput }[] })[],
  ): void {
    this.#words.clear();
    this.#conversation.restore(
      turns.map(({ pictures, ...turn }) => ({ ...turn, pictures: pictures.map(({ image }) => takePicture(image)) })),
    );
  }

  /** Stops the running answer, the waiting questions and a running load. Text so far stays. */
  stop(): void {
    this.#conversation.stop();
    if (this.#engine.state.phase === "loading") this.#engine.release();
  }

  /** Stops and clears the conversation. The model stays loaded. */
  clear(): void {
    this.#words.clear();
    this.#conversation.clear();
    this.#announcement = "";
    if (this.#engine.state.phase === "loading") this.#engine.release();
  }

  /** Loads the model, if it is not loaded yet, as `autoload` does. Rejects like `Fovea.load`. */
  async load(): Promise<ModelInfo> {
    try {
      return (await this.#model()).info;
    } catch (error) {
      this.#tell(error);
      throw error;
    }
  }

  /** Focuses the question field. */
  override focus(options?: FocusOptions): void {
    this.#composer.focus(options);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    clearTimeout(this.#leaving);
    // Only on a return to the page; the first time, properties may still be set before the first update.
    if (this.hasUpdated) this.#autoload();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    // A moved element leaves and returns in one task and keeps its engine.
    this.#leaving = setTimeout(() => {
      this.#conversation.stop();
      this.#engine.release();
      this.#sizes.close();
    });
  }

  /** A new model stops the old one at once, not with the next update, because a caller may ask right away. */
  override requestUpdate(name?: PropertyKey, oldValue?: unknown, options?: PropertyDeclaration): void {
    super.requestUpdate(name, oldValue, options);
    // The first call comes before the fields are initialised.
    if (!SOURCE_FIELDS.includes(name as string) || this.#engine.source === undefined) return;
    if (name !== "apiKey" && this.#engine.source === chatSource(this)) return;
    this.#conversation.stop();
    this.#engine.release();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if ([...SOURCE_FIELDS, "autoload"].some((name) => changed.has(name as "model"))) this.#autoload();
  }

  override render(): TemplateResult {
    const { turns } = this.#conversation;
    const engine = this.#engine.state;
    const info = engine.phase === "ready" ? engine.info : undefined;
    const takesPictures = info?.takesPictures ?? true;
    const sizes = this.#sizes.look(chatSource(this), info !== undefined, FoveaChat.engines.plan);
    return html`
      <div class=${this.#composer.isDraggedOver ? "frame over" : "frame"} part="frame">
        ${renderHeader(turns.length > 0, this.#actions)}
        <div class="transcript" part="transcript" role="region" aria-label="Conversation" tabindex="0" @scroll=${this.#end.onScroll}>
          ${
            turns.length > 0
              ? renderTurns(
                  turns,
                  {
                    half: info && this.#half.line(this.#last?.stats, info),
                    info,
                    isBusy: this.#conversation.isBusy,
                    words: this.#words,
                  },
                  this.#actions,
                )
              : renderEmpty()
          }
        </div>
        ${renderEngine(engine, chatSource(this) !== undefined, this.#last?.error, this.#actions, sizes.button)} ${sizes.list}
        ${this.#composer.render({
          placeholder: this.placeholder ?? "",
          isBusy: this.#conversation.isBusy,
          takesPictures,
          maxPictures: info?.maxPictures ?? Number.POSITIVE_INFINITY,
          host: serverHost(chatSource(this)),
          needsPicture: this.pictureFirst && takesPictures && turns.every(({ pictures }) => pictures.length === 0),
        })}
      </div>
      <div class="hidden" role="status">${this.#announcement}</div>
    `;
  }

  /** The answer of the last turn. */
  get #last() {
    const turn = this.turns.at(-1);
    return turn && shownAnswer(turn);
  }

  #ask(question: string, pictures: readonly ChatPicture[]): Promise<string> {
    this.#end.follow();
    this.#announcement = "";
    return this.#conversation.ask(question, pictures);
  }

  async #model(): Promise<FoveaModel> {
    const source = chatSource(this);
    if (source === undefined)
      throw new TypeError(
        'no model selected; set the attribute "model" to a known name, owner/name on the Hugging Face hub, or the address of a folder',
      );
    if (!this.isConnected) throw new FoveaError("disposed", "the element is not in the page; add it before asking");
    if (this.server) useKey(source, this.apiKey);
    return this.#engine.acquire(source, FoveaChat.engines);
  }

  #autoload(): void {
    if (this.autoload && this.isConnected && chatSource(this) !== undefined) this.#actions.load();
  }

  #onEngineState(state: EngineState): void {
    this.requestUpdate();
    if (state.phase === this.#phase) return;
    this.#phase = state.phase;
    if (state.phase === "loading") this.#announcement = "Loading the model.";
    if (state.phase === "ready") {
      this.#announcement = "The model is ready.";
      this.#emit("fovea-ready", { info: state.info });
    }
  }

  #tell(error: unknown): void {
    if (isAbort(error) || (error instanceof Error && this.#told.has(error))) return;
    if (error instanceof Error) this.#told.add(error);
    this.#emit("fovea-error", { error, code: error instanceof FoveaError ? error.code : undefined });
  }

  #emit<K extends keyof FoveaChatEventMap>(name: K, detail: FoveaChatEventMap[K]["detail"]): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "fovea-chat": FoveaChat;
  }
}

/** For promises whose errors the element shows already. */
function ignore(): void {}
