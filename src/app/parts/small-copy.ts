/**
 * Offers a small copy of the loaded model. Shows how it is made: progress, sizes before and after, what can be deleted.
 */
import { html, LitElement, nothing } from "lit";
import { byteText } from "../../element/wording.ts";
import { originalOf } from "../../shared/small-copy.ts";
import { SHIPPED_MODEL } from "../engine.ts";
import type { App } from "../logic/app.ts";
import type { CopyState, ModelState } from "../logic/state.ts";
import { base } from "./base.ts";
import { problemView } from "./problem-view.ts";

/** How the engine names weights that were full-size in their files. */
const FULL_SIZE = ["f32", "f16", "q8", "q4"];

/**
 * True if a small copy of the loaded model makes sense: it generates text here, from files that are not packed. One of
 * the shipped model, of 8 MB beside the page, would save nothing.
 */
export function canCopy({ source, info }: Pick<ModelState, "source" | "info">): boolean {
  if (!info || info.server || source === SHIPPED_MODEL || originalOf(source) !== undefined) return false;
  return info.vocabularySize > 0 && FULL_SIZE.includes(info.weights);
}

export class SmallCopyPart extends LitElement {
  static override properties = {
    app: { attribute: false },
    model: { attribute: false },
    copy: { attribute: false },
  };
  declare app: App;
  declare model: ModelState;
  declare copy: CopyState | undefined;

  static override styles = base;

  override render() {
    const { copy } = this;
    return html`<div class="card stack">
      <h3>A small copy</h3>
      <div role="status" class="stack">${copy ? this.#state(copy) : nothing}</div>
      ${copy?.state !== "running" && canCopy(this.model) ? this.#offer() : nothing}
    </div>`;
  }

  #offer() {
    const { name } = this.model;
    return html`<p class="soft">A copy of a 16-bit model takes about a third of its space in 4 bits, about half in 8. It stays in this browser, and the next visit loads it. 4 bits lose a little accuracy, 8 hardly any.</p>
      <div class="row">
        <button aria-label=${`Keep a small copy of ${name} in 4 bits`} @click=${() => void this.app.copies.make("q4")}>Keep a small copy (4 bits)</button>
        <button aria-label=${`Keep a small copy of ${name} in 8 bits`} @click=${() => void this.app.copies.make("q8")}>8 bits</button>
      </div>`;
  }

  #state(copy: CopyState) {
    switch (copy.state) {
      case "running": {
        const { tensors = 0, ofTensors = 1, bytes = 0 } = copy.progress ?? {};
        return html`<p>Making a small copy of ${copy.name}: ${byteText(bytes)} written</p>
          <progress aria-label="Small copy" max=${ofTensors} .value=${tensors}></progress>
          <div class="row"><button @click=${() => this.app.copies.stop()}>Stop</button></div>`;
      }
      case "failed":
        return problemView(copy.problem, nothing);
      case "done": {
        const { originalBytes, bytes, notes } = copy.result;
        const { isOriginalStored } = copy;
        return html`<p><strong>${copy.name}</strong>: ${byteText(originalBytes)} became ${byteText(bytes)}. ${isOriginalStored ? "The original is still stored." : ""}</p>
          ${notes.map((note) => html`<p class="soft">${note}</p>`)}
          <div class="row">
            ${this.model.source === copy.result.source ? nothing : html`<button class="primary" @click=${() => this.#use(copy)}>Load the copy</button>`}
            ${!isOriginalStored ? nothing : html`<button @click=${() => void this.app.copies.deleteOriginal(copy.name, copy.result)}>Delete the original</button>`}
          </div>`;
      }
    }
  }

  #use({ result }: CopyState & { state: "done" }): void {
    this.app.copies.use(result);
    this.dispatchEvent(new CustomEvent("chosen"));
  }
}
