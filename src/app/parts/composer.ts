/** The form for a question. */
import { css, html, LitElement, nothing } from "lit";
import { isSendKey } from "../../element/typing.ts";
import { isClassifier } from "../engine.ts";
import type { App } from "../logic/app.ts";
import type { PageState } from "../logic/state.ts";
import { base } from "./base.ts";

export class Composer extends LitElement {
  static override properties = {
    app: { attribute: false },
    state: { attribute: false },
    question: { attribute: false },
  };
  declare app: App;
  declare state: PageState;
  declare question: string;

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

  constructor() {
    super();
    this.question = "";
  }

  override render() {
    const { busy, compare, model } = this.state;
    const needs = this.#missing();
    const names = model.info && isClassifier(model.info);
    return html`<section class="card">
      <form class="stack" @submit=${(event: Event) => this.#submit(event)}>
        <label class="title" for="question">Your question</label>
        <textarea id="question" rows="2" maxlength="20000" .value=${this.question} ?disabled=${names}
          @input=${(event: Event) => {
            this.question = (event.target as HTMLTextAreaElement).value;
          }}
          @keydown=${(event: KeyboardEvent) => this.#key(event)}></textarea>
        <div class="row spread">
          <div class="row">
            ${
              busy
                ? html`<button type="button" class="primary ask" @click=${() => this.app.asker.stop()}>Stop</button>`
                : html`<button type="submit" class="primary ask" ?disabled=${needs !== ""}>${names ? "Classify" : "Ask"}</button>`
            }
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
    return this.question.trim() === "" ? "Type a question first." : "";
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
    if (this.#missing() !== "" || this.state.busy) return;
    const question = this.question.trim();
    this.question = "";
    void this.app.asker.ask(question);
  }

  #key(event: KeyboardEvent): void {
    if (!isSendKey(event)) return;
    event.preventDefault();
    this.renderRoot.querySelector("form")!.requestSubmit();
  }
}
