/** Templates for the turns of a conversation and the state of its engine. Pure. */
import { type ElementPart, html, noChange, nothing, type TemplateResult } from "lit";
import { Directive, type DirectiveResult, directive, type PartInfo, PartType } from "lit/directive.js";
import { repeat } from "lit/directives/repeat.js";
import { FoveaError } from "../errors.ts";
import type { Turn } from "./conversation.ts";
import type { EngineState } from "./engine-slot.ts";
import type { HalfLine } from "./half-line.ts";
import { updateMarkdown } from "./markdown.ts";
import type { ChatPicture } from "./pictures.ts";
import { errorWords, progressText, statsText } from "./wording.ts";

/** Actions of the buttons. */
export interface TranscriptActions {
  askAgain(turn: Turn<ChatPicture>): void;
  clear(): void;
  load(): void;
  cancel(): void;
  /** Half of the image tokens from the next question on, or all of them again. */
  switchHalf(): void;
}

/** Shows Markdown in an element and updates only changed blocks. */
class MarkdownDirective extends Directive {
  constructor(info: PartInfo) {
    super(info);
    if (info.type !== PartType.ELEMENT) throw new Error("Markdown fills an element");
  }

  override update({ element }: ElementPart, [text]: [string]): typeof noChange {
    updateMarkdown(element, text);
    return noChange;
  }

  render(_text: string): typeof noChange {
    return noChange;
  }
}
const markdown: (text: string) => DirectiveResult = directive(MarkdownDirective);

/** All turns, oldest first. @param half the line under the last answer */
export function renderTurns(
  turns: readonly Turn<ChatPicture>[],
  half: HalfLine | undefined,
  actions: TranscriptActions,
): unknown {
  return repeat(
    turns,
    ({ id }) => id,
    (turn) => renderTurn(turn, turn === turns.at(-1) ? half : undefined, actions),
  );
}

function renderTurn(turn: Turn<ChatPicture>, half: HalfLine | undefined, actions: TranscriptActions): TemplateResult {
  const { question, pictures, answer, state, stats } = turn;
  const isPending = state === "loading" || state === "reading";
  return html`<article class="turn" part="turn">
    <div class="question" part="question">
      <span class="hidden">You asked:</span>
      ${pictures.length > 0 ? html`<div class="pictures" part="pictures">${pictures.map(({ view }) => view)}</div>` : nothing}
      <p class="question-text" part="question-text" dir="auto">${question}</p>
    </div>
    <span class="hidden">Answer:</span>
    ${isPending ? renderPending(turn) : nothing}
    ${answer === "" ? nothing : html`<div class="answer" part="answer" aria-busy=${state === "writing"} ${markdown(answer)}></div>`}
    ${state === "abort" ? html`<p class="remark" part="remark">Stopped.</p>` : nothing}
    ${state === "length" ? html`<p class="remark" part="remark">Stopped at the length limit.</p>` : nothing}
    ${state === "failed" ? renderFailure(turn, actions) : nothing}
    ${state === "abort" && answer === "" ? html`<button class="button retry" part="button retry" @click=${() => actions.askAgain(turn)}>Ask again</button>` : nothing}
    ${stats && answer !== "" ? html`<p class="stats" part="stats">${statsText(stats)}</p>` : nothing}
    ${half && answer !== "" ? renderHalf(half, actions) : nothing}
  </article>`;
}

function renderHalf({ text, button }: HalfLine, { switchHalf }: TranscriptActions): TemplateResult {
  return html`<p class="half" part="half">
    <span role="status">${text}</span>
    <button class="button half-button" part="button half-button" type="button" @click=${switchHalf}>${button}</button>
  </p>`;
}

function renderPending({ state, pictures }: Turn<ChatPicture>): TemplateResult {
  const text =
    state === "loading"
      ? "Waiting for the model"
      : pictures.length > 1
        ? "Looking at the pictures"
        : pictures.length > 0
          ? "Looking at the picture"
          : "Reading";
  return html`<p class="pending" part="pending">${text}<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span></p>`;
}

function renderFailure(turn: Turn<ChatPicture>, actions: TranscriptActions): TemplateResult {
  const { error } = turn;
  // The same question would not fit on a retry either.
  const isFull = error instanceof FoveaError && error.code === "context-full";
  return html`<div class="error" part="error" role="alert">
    ${renderError(error)}
    ${
      isFull
        ? html`<button class="button retry" part="button retry" @click=${actions.clear}>New conversation</button>`
        : html`<button class="button retry" part="button retry" @click=${() => actions.askAgain(turn)}>Try again</button>`
    }
  </div>`;
}

/** An error in few words, and the engine's own folded away. */
function renderError(error: unknown): TemplateResult {
  const { text, details } = errorWords(error);
  return html`<p class="error-text" part="error-text" dir="auto">${text}</p>
    ${details ? html`<details class="error-details" part="error-details"><summary>Details</summary>${details}</details>` : nothing}`;
}

/** The line between conversation and composer: the engine's state. `shown` is the error that a turn already shows. */
export function renderEngine(
  state: EngineState,
  hasModel: boolean,
  shown: unknown,
  actions: TranscriptActions,
): TemplateResult | typeof nothing {
  switch (state.phase) {
    case "none":
      return hasModel
        ? html`<div class="status" part="status">
            <p class="status-text" part="status-text">The model loads with your first question.</p>
            <button class="button load filled" part="button load" type="button" @click=${actions.load}>Load now</button>
          </div>`
        : html`<div class="status" part="status"><p class="status-text" part="status-text">No model selected.</p></div>`;
    case "loading":
      return renderLoading(state, actions);
    case "ready":
      return state.waiting
        ? html`<div class="status" part="status"><p class="status-text" part="status-text">${progressText(undefined, true)}</p></div>`
        : nothing;
    case "failed":
      return state.error === shown
        ? nothing
        : html`<div class="error" part="error" role="alert">
            ${renderError(state.error)}
            <button class="button retry" part="button retry" type="button" @click=${actions.load}>Try again</button>
          </div>`;
  }
}

function renderLoading(
  { progress, waiting }: EngineState & { phase: "loading" },
  actions: TranscriptActions,
): TemplateResult {
  const isCounted = !waiting && progress?.stage === "weights" && progress.totalBytes > 0;
  const share = isCounted ? progress.loadedBytes / progress.totalBytes : undefined;
  return html`<div class="status" part="status">
    <p class="status-text" part="status-text">${progressText(progress, waiting)}</p>
    <button class="button cancel" part="button cancel" type="button" @click=${actions.cancel}>Cancel</button>
    ${
      share === undefined
        ? html`<progress class="progress" part="progress" aria-label="Loading the model"></progress>`
        : html`<progress class="progress" part="progress" aria-label="Loading the model" max="1" .value=${share}></progress>`
    }
  </div>`;
}
