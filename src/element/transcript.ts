/** Templates for the turns of a conversation and the state of its engine. Pure. */
import { html, nothing, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { repeat } from "lit/directives/repeat.js";
import type { ModelInfo } from "../api.ts";
import { FoveaError } from "../errors.ts";
import type { EngineState } from "./engine-slot.ts";
import type { HalfLine } from "./half-line.ts";
import { AGAIN_ICON, CLEAR_ICON, COPY_ICON, EDIT_ICON, EYE_ICON, NEXT_ICON, PREVIOUS_ICON } from "./icons.ts";
import { markdown } from "./markdown-directive.ts";
import type { ChatPicture } from "./pictures.ts";
import { type Answer, answeredTurns, canLeaveOut, isRunning, readTurns, shownAnswer, type Turn } from "./turns.ts";
import type { WordPointer } from "./word-pointer.ts";
import { byteText, errorWords, progressText, statsText } from "./wording.ts";

/** Actions of the buttons. */
export interface TranscriptActions {
  askAgain(turn: Turn<ChatPicture>): void;
  /** Asks without the oldest turns, or without their pictures. */
  askShorter(turn: Turn<ChatPicture>, what: "turn" | "pictures"): void;
  clear(): void;
  load(): void;
  cancel(): void;
  copy(text: string): void;
  /** Puts a question back into the form, and removes it with all that follow. */
  edit(turn: Turn<ChatPicture>): void;
  /** Shows what the model saw for a turn's answer. */
  inspect(turn: Turn<ChatPicture>): void;
  /** Shows another answer of a turn. */
  show(turn: Turn<ChatPicture>, answer: number): void;
  /** Half of the image tokens from the next question on, or all of them again. */
  switchHalf(): void;
}

/** How turns are shown. */
export interface TranscriptLook {
  /** The line under the last answer. */
  half: HalfLine | undefined;
  /** True if an answer is running, so that nothing can be asked again. */
  isBusy: boolean;
  words: WordPointer;
  /** The loaded model. */
  info: Pick<ModelInfo, "note" | "maxPictures"> | undefined;
  /** Parts of earlier turns that a question may leave out when the context is full. */
  spare: { turn: boolean; pictures: boolean };
  /** The part of the turn that the model no longer reads. */
  unread: "turn" | "pictures" | undefined;
  /** A remark under the answer about the model's purpose. */
  note: string | undefined;
}

/** The line at the top. */
export function renderHeader(hasTurns: boolean, { clear }: TranscriptActions): TemplateResult {
  return html`<header class="header" part="header">
    <slot name="header"></slot>
    ${
      hasTurns
        ? html`<button class="button clear" part="button clear" type="button" title="New conversation" aria-label="New conversation" @click=${clear}>
            ${CLEAR_ICON}
          </button>`
        : nothing
    }
  </header>`;
}

/** The invitation before the first question. */
export function renderEmpty(): TemplateResult {
  return html`<div class="empty" part="empty">
    <slot name="empty">
      ${EYE_ICON}
      <p class="empty-title" part="empty-title">Ask about a picture</p>
      <p class="empty-text" part="empty-text">Drop, paste or choose one. The model runs in this browser: pictures and questions stay with you.</p>
    </slot>
  </div>`;
}

/** All turns, oldest first. */
export function renderTurns(
  turns: readonly Turn<ChatPicture>[],
  look: Omit<TranscriptLook, "spare" | "unread" | "note">,
  actions: TranscriptActions,
): unknown {
  const last = turns.at(-1)!;
  const read = readTurns(turns.slice(0, -1), last, look.info?.maxPictures);
  const unread = new Set(answeredTurns(turns.slice(0, -1)).filter((turn) => !read.includes(turn)));
  const firstSeen = turns.find((turn) => turn.pictures.length > 0 && shownAnswer(turn).text !== "");
  return repeat(
    turns,
    ({ id }) => id,
    (turn, at) => {
      const has = (what: "turn" | "pictures") => turns.slice(0, at).some((one) => canLeaveOut(one, what));
      const own = {
        spare: { turn: has("turn"), pictures: has("pictures") },
        half: turn === last ? look.half : undefined,
        unread: unread.has(turn) ? "turn" : turn.leftOut,
        note: turn === firstSeen ? look.info?.note : undefined,
      };
      return renderTurn(turn, { ...look, ...own }, actions);
    },
  );
}

function renderTurn(turn: Turn<ChatPicture>, look: TranscriptLook, actions: TranscriptActions): TemplateResult {
  const { question, pictures } = turn;
  const answer = shownAnswer(turn);
  const { text, state } = answer;
  return html`<article class="turn" part="turn">
    <div class="asked">
      ${
        look.isBusy
          ? nothing
          : html`<button class="button small edit" part="button edit" type="button" title="Edit the question" aria-label="Edit the question" @click=${() => actions.edit(turn)}>${EDIT_ICON}</button>`
      }
      <div class="question" part="question">
        <span class="hidden">You asked:</span>
        ${pictures.length > 0 ? html`<div class="pictures" part="pictures">${pictures.map(({ view }) => view)}</div>` : nothing}
        <p class="question-text" part="question-text" dir="auto">${question}</p>
      </div>
    </div>
    <span class="hidden">Answer:</span>
    ${state === "loading" || state === "reading" ? renderPending(turn, answer) : nothing}
    ${renderCalls(answer)}
    ${text === "" ? nothing : renderText(turn, answer, look.words)}
    ${answer.pause === "recovering" ? html`<p class="remark" part="remark" role="status">The GPU was lost. The model is loading again, then the answer continues.</p>` : nothing}
    ${look.unread ? html`<p class="remark" part="remark">The model no longer reads ${look.unread === "turn" ? "this turn" : "the pictures of this turn"}.</p>` : nothing}
    ${state === "abort" ? html`<p class="remark" part="remark">Stopped.</p>` : nothing}
    ${state === "length" ? html`<p class="remark" part="remark">Stopped at the length limit.</p>` : nothing}
    ${state === "failed" ? renderFailure(turn, answer, look.spare, actions) : nothing}
    ${state === "abort" && text === "" ? html`<button class="button retry" part="button retry" @click=${() => actions.askAgain(turn)}>Ask again</button>` : nothing}
    ${text !== "" && !isRunning(answer) ? renderActions(turn, answer, look, actions) : nothing}
    ${look.note && !isRunning(answer) ? html`<p class="remark" part="remark model-note">About this model: ${look.note}</p>` : nothing}
    ${look.half && text !== "" ? renderHalf(look.half, actions) : nothing}
  </article>`;
}

/** The calls of an answer, and what tools returned. */
function renderCalls({ steps = [], toolCalls = [], state }: Answer): TemplateResult | typeof nothing {
  const lines = steps.flatMap(({ calls, results }) =>
    calls.map(({ function: { name, arguments: args } }, i) => `${name} ${args} = ${shortened(results[i]!)}`),
  );
  for (const { function: call } of toolCalls) lines.push(`${call.name} ${call.arguments}`);
  if (state === "calling") lines.push("Waiting for the page's tools");
  if (lines.length === 0) return nothing;
  return html`<ul class="remark calls" part="calls" aria-label="Tools">${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}

function shortened(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)} ...`;
}

function renderText({ id, shown }: Turn<ChatPicture>, answer: Answer, words: WordPointer): unknown {
  const { text, state, attention } = answer;
  if (!attention)
    return keyed(
      `${shown} plain`,
      html`<div class="answer" part="answer" aria-busy=${state === "writing"} ${markdown(text, undefined)}></div>`,
    );
  const pointed = words.pointed?.turn === id ? words.pointed.words : undefined;
  return keyed(
    shown,
    html`<div class="answer recorded" part="answer" data-turn=${id} tabindex="0" role="group"
      aria-label="Answer. Arrow keys move from word to word and show where the model looked."
      @pointermove=${words.hover} @pointerleave=${words.leave} @click=${words.pin} @keydown=${words.step}
      ${markdown(text, { pointed })}></div>`,
  );
}

/** The line under an answer: what it cost, and what can be done with it. */
function renderActions(
  turn: Turn<ChatPicture>,
  { text, stats, seen }: Answer,
  { isBusy }: TranscriptLook,
  actions: TranscriptActions,
): TemplateResult {
  return html`<div class="actions" part="actions">
    ${stats && stats.newTokens > 0 ? html`<p class="stats" part="stats">${statsText(stats)}</p>` : nothing}
    <div class="action-buttons">
    ${turn.answers.length > 1 ? renderVersions(turn, actions) : nothing}
    <button class="button small" part="button copy" type="button" title="Copy the answer" aria-label="Copy the answer" @click=${() => actions.copy(text)}>${COPY_ICON}</button>
    <button class="button small" part="button again" type="button" title="Try again" aria-label="Try again" ?disabled=${isBusy} @click=${() => actions.askAgain(turn)}>${AGAIN_ICON}</button>
    ${
      seen.length > 0
        ? html`<button class="button small" part="button inspect" type="button" title="What it saw" aria-label="What it saw" @click=${() => actions.inspect(turn)}>${EYE_ICON}</button>`
        : nothing
    }
    </div>
  </div>`;
}

function renderVersions(turn: Turn<ChatPicture>, { show }: TranscriptActions): TemplateResult {
  const { answers, shown } = turn;
  return html`<span class="versions" part="versions" role="group" aria-label="Answers to this question">
    <button class="button small" part="button previous" type="button" title="Previous answer" aria-label="Previous answer" ?disabled=${shown === 0} @click=${() => show(turn, shown - 1)}>${PREVIOUS_ICON}</button>
    <span>${shown + 1} / ${answers.length}</span>
    <button class="button small" part="button next" type="button" title="Next answer" aria-label="Next answer" ?disabled=${shown === answers.length - 1} @click=${() => show(turn, shown + 1)}>${NEXT_ICON}</button>
  </span>`;
}

function renderHalf({ text, button }: HalfLine, { switchHalf }: TranscriptActions): TemplateResult {
  return html`<p class="half" part="half">
    <span role="status">${text}</span>
    <button class="button half-button" part="button half-button" type="button" @click=${switchHalf}>${button}</button>
  </p>`;
}

function renderPending({ pictures }: Turn<ChatPicture>, { state, pause, library }: Answer): TemplateResult {
  const text =
    state === "loading"
      ? "Waiting for the model"
      : pause === "compiling"
        ? "Preparing the GPU, for the first question only"
        : library
          ? `Loading ${library.name} (${byteText(library.bytes)})`
          : pictures.length > 1
            ? "Looking at the pictures"
            : pictures.length > 0
              ? "Looking at the picture"
              : "Reading";
  return html`<p class="pending" part="pending">${text}<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span></p>`;
}

function renderFailure(
  turn: Turn<ChatPicture>,
  { error }: Answer,
  spare: TranscriptLook["spare"],
  actions: TranscriptActions,
): TemplateResult {
  const retry = (text: string, act: () => void) =>
    html`<button class="button retry" part="button retry" @click=${act}>${text}</button>`;
  // The same question would not fit on a retry either.
  const isFull = error instanceof FoveaError && error.code === "context-full";
  const buttons = isFull
    ? [
        spare.pictures ? retry("Leave out earlier pictures", () => actions.askShorter(turn, "pictures")) : nothing,
        spare.turn ? retry("Leave out the oldest turns", () => actions.askShorter(turn, "turn")) : nothing,
        retry("New conversation", actions.clear),
      ]
    : retry("Try again", () => actions.askAgain(turn));
  return html`<div class="error" part="error" role="alert">${renderError(error)} ${buttons}</div>`;
}

/** An error in few words, and the engine's own folded away. */
function renderError(error: unknown): TemplateResult {
  const { text, next, details } = errorWords(error);
  return html`<p class="error-text" part="error-text" dir="auto">${text}${next ? ` ${next}` : ""}</p>
    ${details ? html`<details class="error-details" part="error-details"><summary>Details</summary>${details}</details>` : nothing}`;
}

/**
 * The line between conversation and composer: the engine's state.
 *
 * @param shown the error that a turn already shows
 * @param sizes the button that offers the model's sizes
 */
export function renderEngine(
  state: EngineState,
  hasModel: boolean,
  shown: unknown,
  actions: TranscriptActions,
  sizes: TemplateResult | typeof nothing,
): TemplateResult | typeof nothing {
  switch (state.phase) {
    case "none":
      return hasModel
        ? html`<div class="status" part="status">
            <p class="status-text" part="status-text">${state.paused ? `Paused at ${byteText(state.paused.loadedBytes)} of ${byteText(state.paused.totalBytes)}. Downloaded parts are kept.` : "The model loads with your first question."}</p>
            ${sizes}
            <button class="button load filled" part="button load" type="button" @click=${actions.load}>${state.paused ? "Resume" : "Load now"}</button>
          </div>`
        : html`<div class="status" part="status"><p class="status-text" part="status-text">No model selected.</p></div>`;
    case "loading":
      return renderLoading(state, actions, sizes);
    case "ready":
      return state.waiting
        ? html`<div class="status" part="status"><p class="status-text" part="status-text">${progressText(undefined, true)}</p></div>`
        : nothing;
    case "failed":
      return state.error === shown
        ? nothing
        : html`<div class="error" part="error" role="alert">
            ${renderError(state.error)} ${sizes}
            <button class="button retry" part="button retry" type="button" @click=${actions.load}>Try again</button>
          </div>`;
  }
}

function renderLoading(
  { progress, waiting }: EngineState & { phase: "loading" },
  actions: TranscriptActions,
  sizes: TemplateResult | typeof nothing,
): TemplateResult {
  const isCounted = !waiting && progress?.stage === "weights" && progress.totalBytes > 0;
  const share = isCounted ? progress.loadedBytes / progress.totalBytes : undefined;
  return html`<div class="status" part="status">
    <p class="status-text" part="status-text">${progressText(progress, waiting)}</p>
    ${sizes}
    <button class="button cancel" part="button cancel" type="button" @click=${actions.cancel}>${share === undefined ? "Cancel" : "Pause"}</button>
    ${
      share === undefined
        ? html`<progress class="progress" part="progress" aria-label="Loading the model"></progress>`
        : html`<progress class="progress" part="progress" aria-label="Loading the model" max="1" .value=${share}></progress>`
    }
  </div>`;
}
