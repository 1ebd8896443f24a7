/**
 * The element: a conversation with a model about pictures. Brings the parts of this room together; what each of them does
 * is in its own file. Registers nothing: that is define.ts.
 */
import {
  html,
  LitElement,
  nothing,
  type PropertyDeclaration,
  type PropertyDeclarations,
  type PropertyValues,
  type TemplateResult,
} from "lit";
import type { FoveaModel, ImageInput, ModelInfo } from "../api.ts";
import { FoveaError } from "../errors.ts";
import { createFovea } from "../worker/client.ts";
import { Composer } from "./composer.ts";
import { Conversation } from "./conversation.ts";
import { EngineSlot, type EngineState } from "./engine-slot.ts";
import { EngineRegistry } from "./engines.ts";
import type { FoveaChatEventMap } from "./events.ts";
import { CLEAR_ICON, EYE_ICON } from "./icons.ts";
import { plainText } from "./markdown.ts";
import { type ChatPicture, takePicture } from "./pictures.ts";
import { modelSource, parseBudget, parseNumber, requestSettings, type TokenBudget } from "./settings.ts";
import { styles } from "./styles.ts";
import { renderEngine, renderTurns, type TranscriptActions } from "./transcript.ts";
import { isAbort } from "./wording.ts";

/** A growing answer is painted at most this often, in milliseconds ... */
const PAINT_INTERVAL_MS = 50;
/** ... and for at most one part in this many of the time, on however slow a machine. */
const PAINT_SHARE = 8;
/** How far above its end a conversation still counts as being read at its end, in CSS pixels. */
const END_DISTANCE = 32;

/** `<fovea-chat>`; see docs/element.md for its attributes, events, parts and custom properties. */
export class FoveaChat extends LitElement {
  /** Where all elements of the page get their engines. A page may put another registry here before the first is used. */
  static engines = new EngineRegistry(createFovea);

  static override styles = styles;

  static override properties: PropertyDeclarations = {
    model: { reflect: true },
    tokens: { reflect: true, converter: { fromAttribute: parseBudget } },
    inhibit: { reflect: true, converter: { fromAttribute: parseNumber } },
    system: { reflect: true },
    placeholder: { reflect: true },
    autoload: { type: Boolean, reflect: true },
  };

  /** The model: an id, "hf:owner/name", or the address of a folder in Hugging Face layout. */
  declare model: string | null;
  /** Image tokens that the model reads of a picture at most, or "none" for all; null for the engine's own choice. */
  declare tokens: TokenBudget;
  /** Share of the image tokens that are inhibited in the last layer, 0 (off) to 1; null for the engine's own choice. */
  declare inhibit: number | null;
  /** What the model is told before the conversation. */
  declare system: string | null;
  /** Shown where the question is written. */
  declare placeholder: string | null;
  /** Whether the model is loaded at once, and not when the first question is asked. */
  declare autoload: boolean;

  readonly #engine = new EngineSlot({
    onState: (state) => this.#onEngineState(state),
    onProgress: (progress, waiting) => this.#emit("fovea-progress", { ...progress, waiting }),
  });
  readonly #conversation = new Conversation<ChatPicture>({
    model: () => this.#model(),
    settings: (info) => requestSettings(this.tokens, this.inhibit, info),
    system: () => this.system ?? "",
    onTurns: () => this.requestUpdate(),
    onText: ({ answer }, text) => {
      this.#emit("fovea-text", { text, answer });
      this.#paintSoon();
    },
    onDone: ({ answer, state, stats }) => {
      this.#announcement = `Answer: ${plainText(answer)}`;
      this.#emit("fovea-done", { answer, reason: state === "stop" || state === "length" ? state : "abort", stats });
    },
    onError: (error) => {
      this.#engine.onModelError(error);
      this.#tell(error);
    },
  });
  readonly #composer = new Composer(this, {
    onQuestion: (question, pictures) => void this.#ask(question, pictures).catch(ignore),
    onStop: () => this.stop(),
  });
  readonly #actions: TranscriptActions = {
    askAgain: (turn) => void this.#conversation.askAgain(turn).catch(ignore),
    clear: () => {
      this.clear();
      this.focus();
    },
    load: () => void this.load().catch(ignore),
    cancel: () => this.stop(),
  };
  /** Errors that an event has told of: one may end a load and the question that waited for it. */
  readonly #told = new WeakSet<object>();
  #announcement = "";
  #phase: EngineState["phase"] = "none";
  #leaving: ReturnType<typeof setTimeout> | undefined;
  #paint: ReturnType<typeof setTimeout> | undefined;
  #paintMs = 0;
  #isAtEnd = true;

  constructor() {
    super();
    this.model = null;
    this.tokens = null;
    this.inhibit = null;
    this.system = null;
    this.placeholder = null;
    this.autoload = false;
  }

  /**
   * Asks, after earlier questions are answered; loads the model if need be. Resolves with the answer.
   *
   * Rejects as `Fovea.load` and `Fovea.generate` do: with a FoveaError (`aborted` after `stop()`), and with TypeError or
   * RangeError for a wrong argument or attribute.
   */
  async ask(text: string, image?: ImageInput | readonly ImageInput[]): Promise<string> {
    if (typeof text !== "string" || text.trim() === "")
      throw new TypeError("a question must be a text that is not empty");
    const images = image === undefined ? [] : Array.isArray(image) ? image : [image];
    return this.#ask(text, images.map(takePicture));
  }

  /** Ends the running answer, those that wait in line, and a load. What was written stays. */
  stop(): void {
    this.#conversation.stop();
    if (this.#engine.state.phase === "loading") this.#engine.release();
  }

  /** Stops, and forgets the conversation. The model stays. */
  clear(): void {
    this.#conversation.clear();
    this.#announcement = "";
    if (this.#engine.state.phase === "loading") this.#engine.release();
  }

  /** Loads the model, if it is not there yet, as `autoload` does. Rejects as `Fovea.load`. */
  async load(): Promise<ModelInfo> {
    try {
      return (await this.#model()).info;
    } catch (error) {
      this.#tell(error);
      throw error;
    }
  }

  /** Puts the cursor where questions are written. */
  override focus(options?: FocusOptions): void {
    this.#composer.focus(options);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    clearTimeout(this.#leaving);
    // Also when it comes back: the first time, properties may still be set before the first update.
    if (this.hasUpdated) this.#autoload();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    // An element that is moved leaves and comes back in one task; its engine stays.
    this.#leaving = setTimeout(() => {
      this.#conversation.stop();
      this.#engine.release();
    });
  }

  /** Another model ends what the old one does at once, and not with the next update: who sets it may ask right away. */
  override requestUpdate(name?: PropertyKey, oldValue?: unknown, options?: PropertyDeclaration): void {
    super.requestUpdate(name, oldValue, options);
    // The first call comes before there is anything here.
    if (name !== "model" || this.#engine.source === undefined) return;
    if (this.#engine.source === modelSource(this.model)) return;
    this.#conversation.stop();
    this.#engine.release();
  }

  override update(changed: PropertyValues): void {
    const start = performance.now();
    super.update(changed);
    this.#paintMs = performance.now() - start;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("model") || changed.has("autoload")) this.#autoload();
  }

  override updated(): void {
    const transcript = this.renderRoot.querySelector(".transcript");
    if (transcript && this.#isAtEnd) transcript.scrollTop = transcript.scrollHeight;
  }

  override render(): TemplateResult {
    const { turns } = this.#conversation;
    const engine = this.#engine.state;
    const takesPictures = engine.phase !== "ready" || engine.info.imageSize > 0;
    return html`
      <div class=${this.#composer.isDraggedOver ? "frame over" : "frame"} part="frame">
        <header class="header" part="header">
          <slot name="header"></slot>
          ${
            turns.length > 0
              ? html`<button class="button clear" part="button clear" type="button" title="New conversation" aria-label="New conversation" @click=${this.#actions.clear}>
                  ${CLEAR_ICON}
                </button>`
              : nothing
          }
        </header>
        <div class="transcript" part="transcript" role="region" aria-label="Conversation" tabindex="0" @scroll=${this.#onScroll}>
          ${turns.length > 0 ? renderTurns(turns, this.#actions) : renderEmpty()}
        </div>
        ${renderEngine(engine, modelSource(this.model) !== undefined, turns.at(-1)?.error, this.#actions)}
        ${this.#composer.render({
          placeholder: this.placeholder ?? "",
          isBusy: this.#conversation.isBusy,
          takesPictures,
        })}
      </div>
      <div class="hidden" role="status">${this.#announcement}</div>
    `;
  }

  #ask(question: string, pictures: readonly ChatPicture[]): Promise<string> {
    this.#isAtEnd = true;
    this.#announcement = "";
    return this.#conversation.ask(question, pictures);
  }

  async #model(): Promise<FoveaModel> {
    const source = modelSource(this.model);
    if (source === undefined)
      throw new TypeError(
        'no model is chosen; set the attribute "model" to the address of a folder in Hugging Face layout',
      );
    if (!this.isConnected) throw new FoveaError("disposed", "the element is in no page; put it into one before asking");
    return this.#engine.acquire(source, FoveaChat.engines);
  }

  #autoload(): void {
    if (this.autoload && this.isConnected && modelSource(this.model) !== undefined) this.#actions.load();
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

  #onScroll = ({ target }: Event): void => {
    const { scrollTop, scrollHeight, clientHeight } = target as Element;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < END_DISTANCE;
  };

  /** Not for each word: reading an answer's Markdown anew takes the longer the longer it is. */
  #paintSoon(): void {
    this.#paint ??= setTimeout(
      () => {
        this.#paint = undefined;
        this.requestUpdate();
      },
      Math.max(PAINT_INTERVAL_MS, PAINT_SHARE * this.#paintMs),
    );
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

function renderEmpty(): TemplateResult {
  return html`<div class="empty" part="empty">
    <slot name="empty">
      ${EYE_ICON}
      <p class="empty-title" part="empty-title">Ask about a picture</p>
      <p class="empty-text" part="empty-text">Drop, paste or choose one. The model runs in this browser: pictures and questions stay with you.</p>
    </slot>
  </div>`;
}

/** Errors reach who asked by an event and by the page itself. */
function ignore(): void {}
