/** The turns of the conversation: each question with its pictures, and its answer or two compared answers. */
import { css, html, LitElement, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { halfLine, type TokenChoice } from "../../element/half-line.ts";
import type { App } from "../logic/app.ts";
import { exportJson, exportMarkdown } from "../logic/export.ts";
import { HALF, type Settings, settingsText } from "../logic/settings.ts";
import type { Answer, PageState, Turn } from "../logic/state.ts";
import { viewedOf } from "../logic/viewing.ts";
import type { WordsEvent } from "./answer-view.ts";
import { base } from "./base.ts";

export class Conversation extends LitElement {
  static override properties = { app: { attribute: false }, state: { attribute: false } };
  declare app: App;
  declare state: PageState;
  /** Number of turns at the last update. */
  #shown = 0;

  static override styles = [
    base,
    css`
      ol {
        display: grid;
        gap: 1rem;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .question {
        display: flex;
        gap: 0.6rem;
        align-items: flex-start;
        padding: 0.6rem 0.8rem;
        border-radius: 0.6rem;
        background: var(--tint);
        overflow-wrap: anywhere;
      }
      .question p {
        flex: 1;
        min-width: 0;
        white-space: pre-wrap;
      }
      .question img {
        width: 2.5rem;
        height: 2.5rem;
        border-radius: 0.35rem;
        object-fit: cover;
      }
      .answers {
        display: grid;
        gap: 1rem;
      }
      .answer {
        min-width: 0;
        padding: 0.2rem 0 0.2rem 0.8rem;
        border-left: 3px solid var(--line);
      }
      .answer.shown {
        border-left-color: var(--accent);
      }
      .foot {
        margin-top: 0.6rem;
      }
      .half .soft {
        font-size: 0.8125rem;
      }
      .tools button,
      .foot button {
        min-height: 2rem;
        padding: 0.1rem 0.6rem;
        font-size: 0.8125rem;
      }
      @media (min-width: 60rem) {
        .answers.two {
          grid-template-columns: 1fr 1fr;
        }
      }
    `,
  ];

  override render() {
    const { turns, busy } = this.state;
    if (turns.length === 0) return nothing;
    return html`<section class="card stack" aria-labelledby="conversation-heading">
      <div class="row spread">
        <h2 id="conversation-heading">Conversation</h2>
        <div class="row tools">
          <button @click=${() => this.#save("json")}>Save JSON</button>
          <button @click=${() => this.#save("md")}>Save Markdown</button>
          <button ?disabled=${busy} @click=${() => this.app.asker.clear()}>New</button>
        </div>
      </div>
      <ol>
        ${repeat(
          turns,
          ({ id }) => id,
          (turn) => this.#turn(turn),
        )}
      </ol>
    </section>`;
  }

  protected override updated(): void {
    const { turns } = this.state;
    // Scrolls to a new question.
    if (turns.length > this.#shown) {
      const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      const last = this.renderRoot.querySelector("li:last-child");
      last?.scrollIntoView({ block: "nearest", behavior: isCalm ? "auto" : "smooth" });
    }
    this.#shown = turns.length;
  }

  #turn(turn: Turn) {
    const { id, question, pictures, answers } = turn;
    const slowestMs = Math.max(
      ...answers.map(({ stats }) => (stats ? stats.visionMs + stats.prefillMs + stats.decodeMs : 0)),
    );
    return html`<li class="stack">
      <div class="question">
        ${pictures.map(({ url, name }) => html`<img src=${url} alt=${name} />`)}
        <span class="visually-hidden">Question: </span>
        <p dir="auto">${question}</p>
      </div>
      <div class=${answers.length > 1 ? "answers two" : "answers"}>
        ${answers.map((answer, index) => this.#answer(id, answer, index, slowestMs))}
      </div>
      <div class="row foot">
        <button ?disabled=${this.state.busy} @click=${() => void this.app.asker.again(turn)}>Ask again with current settings</button>
      </div>
    </li>`;
  }

  #answer(turn: number, answer: Answer, index: number, slowestMs: number) {
    const { view, model } = this.state;
    const isShown = "turn" in view.of && view.of.turn === turn && view.of.answer === index;
    return html`<div class=${isShown ? "answer shown" : "answer"}>
      <app-answer
        .answer=${answer}
        .words=${isShown ? view.words : undefined}
        .slowestMs=${slowestMs}
        @words=${(event: CustomEvent<WordsEvent>) => this.#look(turn, index, event.detail)}
      >
        ${
          // Where the page is one column, the picture is out of sight.
          isShown && view.words && matchMedia("(max-width: 60rem)").matches
            ? html`<app-picture-view .viewed=${viewedOf(this.state)}></app-picture-view>`
            : nothing
        }
      </app-answer>
      ${turn === this.state.turns.at(-1)?.id && index === 0 ? this.#half(answer) : nothing}
      <div class="row foot">
        ${
          answer.images.length > 0
            ? html`<button aria-pressed=${isShown} @click=${() => this.#show(turn, index)}>What it saw</button>`
            : nothing
        }
        ${model.info && answer.images.length > 0 ? html`<span class="soft">${settingsText(answer.settings)}</span>` : nothing}
      </div>
    </div>`;
  }

  /** Offers half of the image tokens after an answer that used all of them, and back. */
  #half({ stats }: Answer) {
    const { model, settings } = this.state;
    const choice = tokenChoice(settings);
    const line = stats && model.info && halfLine(stats, model.info.defaults, choice);
    if (!line) return nothing;
    return html`<p class="row foot half">
      <span class="soft" role="status">${line.text}</span>
      <button @click=${() => this.app.set(choice === "half" ? { budget: 1 } : HALF)}>${line.button}</button>
    </p>`;
  }

  #show(turn: number, answer: number): void {
    const { store } = this.app;
    const { view, turns } = store.state;
    const images = turns.find(({ id }) => id === turn)?.answers[answer]?.images.length ?? 1;
    // The same picture in the other answer.
    const image = "turn" in view.of && view.of.turn === turn ? view.of.image : images - 1;
    store.set({ view: { ...view, of: { turn, answer, image }, words: undefined, pinned: false } });
  }

  /** A clicked word stays selected until the next click; a hovered one only under the pointer. */
  #look(turn: number, answer: number, { words, pinned }: WordsEvent): void {
    const { store } = this.app;
    const { of, pinned: wasPinned } = store.state.view;
    const isShown = "turn" in of && of.turn === turn && of.answer === answer;
    if (!pinned && wasPinned) return;
    if (!isShown) {
      if (!words) return;
      this.#show(turn, answer);
    }
    store.set({ view: { ...store.state.view, words, pinned: pinned && words !== undefined } });
  }

  #save(kind: "json" | "md"): void {
    const { turns, model } = this.state;
    const text = kind === "json" ? exportJson(turns, model) : exportMarkdown(turns, model);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind === "json" ? "application/json" : "text/markdown" }));
    link.download = `fovea-conversation.${kind}`;
    link.click();
    // The browser has read the address by then.
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}

function tokenChoice({ budget }: Settings): TokenChoice {
  if (budget >= 1) return "all";
  return budget === HALF.budget ? "half" : "other";
}
