/** One answer: its streaming text, its selectable words, its outcome and its statistics. */
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { renderMarkdown, updateMarkdown } from "../../element/markdown.ts";
import { durationText } from "../../element/wording.ts";
import { markWords, rangeOf, type TextRange, wordsBelow } from "../../element/words.ts";
import type { Answer } from "../logic/state.ts";
import { base } from "./base.ts";
import { problemView } from "./problem-view.ts";

const SHOWN_CLASSES = 5;

/** The selected words; `pinned` ones stay when the pointer leaves. */
export interface WordsEvent {
  words: TextRange | undefined;
  pinned: boolean;
}

export class AnswerView extends LitElement {
  static override properties = {
    answer: { attribute: false },
    words: { attribute: false },
    slowestMs: { attribute: false },
  };
  declare answer: Answer;
  /** The selected words of this answer. */
  declare words: TextRange | undefined;
  /** The slowest of the compared answers, so that bars share one scale. */
  declare slowestMs: number;
  /** Start of the word under the pointer. */
  #hovered: number | undefined;

  static override styles = [
    base,
    css`
      .text {
        overflow-wrap: anywhere;
        border-radius: 0.35rem;
      }
      .text > * {
        margin: 0 0 0.6rem;
      }
      .text > :last-child {
        margin-bottom: 0;
      }
      .text pre {
        padding: 0.6rem 0.8rem;
        overflow-x: auto;
        border-radius: 0.5rem;
        background: var(--well);
      }
      .text table {
        display: block;
        overflow-x: auto;
        border-collapse: collapse;
      }
      .text :is(th, td) {
        padding: 0.2rem 0.6rem;
        border: 1px solid var(--line);
      }
      .text a {
        color: var(--accent);
      }
      .word {
        padding: 0.05em 0;
        border-radius: 0.2em;
        cursor: pointer;
      }
      .watched .word {
        text-decoration: underline dotted var(--edge) 1px;
        text-underline-offset: 0.22em;
      }
      .word:hover,
      .word.looked {
        background: #ffb067;
        color: #22130a;
      }
      .running::after {
        content: "";
        display: inline-block;
        width: 0.5em;
        height: 1em;
        vertical-align: text-bottom;
        background: var(--accent);
        animation: blink 1s steps(2) infinite;
      }
      @keyframes blink {
        50% {
          opacity: 0;
        }
      }
      ol {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      meter {
        width: 6rem;
      }
    `,
  ];

  override render() {
    const { answer, slowestMs } = this;
    const { label, status, stats, problem, attention, classes } = answer;
    return html`<article class="stack">
      ${label ? html`<h3>${label}</h3>` : nothing}
      <div
        class=${`text ${status === "running" ? "running" : ""} ${attention ? "watched" : ""}`}
        aria-live="polite"
        aria-busy=${status !== "done"}
        tabindex=${attention ? 0 : nothing}
        role=${attention ? "group" : nothing}
        aria-label=${attention ? "Answer. Arrow keys move from word to word and show where the model looked." : nothing}
        @pointermove=${(event: Event) => this.#hover(event)}
        @pointerleave=${() => this.#leave()}
        @click=${(event: Event) => this.#pin(event)}
        @keydown=${(event: KeyboardEvent) => this.#step(event)}
      ></div>
      <slot></slot>
      ${classes ? this.#classes(classes) : nothing}
      ${answer.recovering ? html`<p class="soft" role="status">The GPU was lost. The model is loading again, then the answer continues.</p>` : nothing}
      ${status === "waiting" ? html`<p class="soft">Waiting …</p>` : nothing}
      ${this.#ending()}
      ${problem ? problemView(problem) : nothing}
      ${stats && stats.newTokens > 0 ? html`<app-statistics .stats=${stats} .slowestMs=${slowestMs}></app-statistics>` : nothing}
    </article>`;
  }

  #ending() {
    const { status, reason, problem, stats } = this.answer;
    if (status !== "done" || problem) return nothing;
    if (reason === "abort")
      return html`<p class="soft">Stopped${stats ? ` after ${durationText(stats.totalMs)}` : ""}.</p>`;
    return reason === "length"
      ? html`<p class="soft">Length limit reached; raise it under “More settings”.</p>`
      : nothing;
  }

  #classes(classes: NonNullable<Answer["classes"]>) {
    if (classes.length === 0) return html`<p>This model has no class names.</p>`;
    return html`<ol>
      ${classes
        .slice(0, SHOWN_CLASSES)
        .map(
          ({ label, probability }) =>
            html`<li><meter .value=${probability} aria-label=${label}></meter> ${(100 * probability).toFixed(1)} % ${label}</li>`,
        )}
    </ol>`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("answer")) this.#write(changed.get("answer") as Answer | undefined);
    const { words } = this;
    for (const word of this.#all()) {
      const range = rangeOf(word)!;
      word.classList.toggle("looked", words !== undefined && range.start < words.end && range.end > words.start);
    }
  }

  /** Updates changed blocks while streaming. Once the answer is done, renders it again with its words marked. */
  #write(before: Answer | undefined): void {
    const { text, status } = this.answer;
    const host = this.#host;
    if (status !== "done") updateMarkdown(host, text);
    else if (before?.status !== "done" || before.text !== text) {
      const fragment = renderMarkdown(text);
      markWords(fragment, text);
      host.replaceChildren(fragment);
    }
  }

  get #host(): HTMLElement {
    return this.renderRoot.querySelector<HTMLElement>(".text")!;
  }

  #all(): HTMLElement[] {
    return wordsBelow(this.renderRoot);
  }

  /** Only a pointer that moves: an answer may appear under one that rests. */
  #hover(event: Event): void {
    const range = rangeOf(event.target);
    if (!range || range.start === this.#hovered) return;
    this.#hovered = range.start;
    this.#tell(range, false);
  }

  #leave(): void {
    this.#hovered = undefined;
    this.#tell(undefined, false);
  }

  #pin(event: Event): void {
    const range = rangeOf(event.target);
    if (range) this.#tell(range, true);
  }

  #step(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const all = this.#all();
    if (event.key === "Escape") {
      this.#tell(undefined, true);
      return;
    }
    const step =
      steps[event.key] ??
      (event.key === "Home" ? Number.NEGATIVE_INFINITY : event.key === "End" ? Number.POSITIVE_INFINITY : 0);
    if (step === 0 || all.length === 0) return;
    event.preventDefault();
    const at = all.findIndex((word) => word.classList.contains("looked"));
    const next = all[Math.min(all.length - 1, Math.max(0, at + step))]!;
    next.scrollIntoView({ block: "nearest" });
    this.#tell(rangeOf(next), true);
  }

  #tell(words: TextRange | undefined, pinned: boolean): void {
    if (!this.answer.attention) return;
    this.dispatchEvent(new CustomEvent<WordsEvent>("words", { detail: { words, pinned } }));
  }
}
