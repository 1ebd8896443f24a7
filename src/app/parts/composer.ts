/** The form for a question. */
import { css, html, LitElement, nothing } from "lit";
import { isSendKey } from "../../element/typing.ts";
import { isClassifier } from "../engine.ts";
import type { App } from "../logic/app.ts";
import { nextFollows } from "../logic/asker.ts";
import type { PageState } from "../logic/state.ts";
import { base } from "./base.ts";

export class Composer extends LitElement {
  static override properties = {
    app: { attribute: false },
    state: { attribute: false },
  };
  declare app: App;
  declare state: PageState;

  static override styles = [
    base,
    css`
      textarea {
        min-height: 3.6rem;
        resize: vertical;
      }
      form {
        margin: 0;
      }
      label.title {
        font-weight: 650;
        font-size: 1rem;
      }
      .ask {
        min-width: 6rem;
      }
      [role="status"] {
        min-height: 1.5em;
      }
    `,
  ];

  override render() {
    const { busy, compare, model, question } = this.state;
    const needs = this.#missing();
    const names = model.info && isClassifier(model.info);
    return html`<section class="card">
      <form class="stack" @submit=${(event: Event) => this.#submit(event)}>
        <label class="title" for="question">Your question</label>
        <textarea id="question" rows="2" maxlength="20000" dir="auto" .value=${question} ?disabled=${names}
          @input=${(event: Event) => this.app.store.set({ question: (event.target as HTMLTextAreaElement).value })}
          @keydown=${(event: KeyboardEvent) => this.#key(event)}></textarea>
        <div class="row spread">
          <div class="row">
            <button type="submit" class="primary ask" @click=${(event: Event) => this.#press(event)} aria-disabled=${!busy && needs !== ""}>${busy ? "Stop" : names ? "Classify" : "Ask"}</button>
            <label class="check">
              <input type="checkbox" .checked=${compare} @change=${(event: Event) => this.app.store.set({ compare: (event.target as HTMLInputElement).checked })} />
              compare with both turned off
            </label>
          </div>
          <span class="soft" role="status">${(!busy && needs) || this.#note()}</span>
        </div>
      </form>
    </section>`;
  }

  /** The missing step before the question can be asked; "" if none. */
  #missing(): string {
    const { model, draft } = this.state;
    if (model.phase === "paused") return "The download is paused; resume it first.";
    if (model.phase === "none" || model.phase === "failed") return "Choose a model first.";
    if (model.info && isClassifier(model.info)) return draft.length > 0 ? "" : "Add a picture first.";
    if (model.info && !model.info.canGenerate) return "This model has no tokenizer, so it cannot answer.";
    // A model with eyes and nothing to look at makes something up.
    if (model.info?.takesPictures && !this.#hasPicture()) return "Add a picture first.";
    return this.state.question.trim() === "" ? "Type a question first." : "";
  }

  /** Whether the next question is about a picture: its own, or one of the turns before it. */
  #hasPicture(): boolean {
    const { draft, turns } = this.state;
    const follows = nextFollows(turns);
    return draft.length > 0 || turns.some(({ id, pictures }) => follows.includes(id) && pictures.length > 0);
  }

  #note() {
    const { model, draft, busy } = this.state;
    if (model.waiting) return "Waiting: another tab is using the GPU.";
    if (model.phase === "loading") return busy ? "The answer starts once the model is loaded." : nothing;
    if (model.info?.takesPictures === false && draft.length > 0)
      return "This model reads text only and ignores the picture.";
    return nothing;
  }

  #submit(event: Event): void {
    event.preventDefault();
    if (this.state.busy || this.#missing() !== "") return;
    void this.app.asker.ask(this.state.question.trim());
  }

  /** One button asks and stops, so that it keeps the focus. Enter in the field never stops. */
  #press(event: Event): void {
    if (!this.state.busy) return;
    event.preventDefault();
    this.app.asker.stop();
  }

  #key(event: KeyboardEvent): void {
    if (!isSendKey(event)) return;
    event.preventDefault();
    this.renderRoot.querySelector("form")!.requestSubmit();
  }
}
