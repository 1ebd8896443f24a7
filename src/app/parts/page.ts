/** The whole page: the element with the conversation, the inspector beside it, the model above, dialogs. */
import { html, LitElement, nothing } from "lit";
import { guard } from "lit/directives/guard.js";
import { isTaken } from "../../element/dropped.ts";
import type { FoveaChat } from "../../element/fovea-chat.ts";
import { pastedFiles } from "../../element/typing.ts";
import { shownSource } from "../../shared/small-copy.ts";
import { SHIPPED_MODEL } from "../engine.ts";
import type { App } from "../logic/app.ts";
import { isLargeDownload } from "../logic/models.ts";
import type { PageState } from "../logic/state.ts";
import { SCENE_NAME } from "../scene/samples.ts";
import { base } from "./base.ts";
import type { DialogRequest } from "./dialogs.ts";
import { pageStyles } from "./page-styles.ts";
import type { SceneEvent } from "./scene-builder.ts";

const TITLES: Record<DialogRequest["kind"], string> = {
  scene: "Build a scene",
  camera: "Camera",
  models: "Models",
};

export class Page extends LitElement {
  static override properties = {
    app: { attribute: false },
    state: { state: true },
    dialog: { state: true },
    isDraggedOver: { state: true },
  };
  declare app: App;
  declare state: PageState;
  declare dialog: DialogRequest | undefined;
  /** Files are held over the page. */
  declare isDraggedOver: boolean;
  #unsubscribe = () => {};

  static override styles = [base, pageStyles];

  constructor() {
    super();
    this.isDraggedOver = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.state = this.app.store.state;
    this.#unsubscribe = this.app.store.subscribe(() => {
      this.state = this.app.store.state;
    });
    document.addEventListener("paste", this.#paste);
    for (const type of ["dragover", "dragleave", "drop"] as const) document.addEventListener(type, this.#drag);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unsubscribe();
    document.removeEventListener("paste", this.#paste);
    for (const type of ["dragover", "dragleave", "drop"] as const) document.removeEventListener(type, this.#drag);
  }

  protected override firstUpdated(): void {
    this.app.attach(this.renderRoot.querySelector<FoveaChat>("fovea-chat")!);
  }

  /** Loads the model that the page's address names. Asks first about a large download. */
  async openModel(address: string): Promise<void> {
    const isLarge = await isLargeDownload(address);
    // The user may have chosen another model meanwhile.
    if (this.app.store.state.model.source !== "") return;
    if (isLarge) await this.#open({ kind: "models", address });
    else this.app.choose(address, shownSource(address));
  }

  override render() {
    const { app, state } = this;
    const { model, isInspecting } = state;
    return html`<div class="page" @open-dialog=${(event: CustomEvent<DialogRequest>) => this.#open(event.detail)}>
      <header>
        <h1 class="brand">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path d="M2 16C6 9 11 6 16 6s10 3 14 10c-4 7-9 10-14 10S6 23 2 16z" fill="none" stroke="currentColor" stroke-width="2.2"></path>
            <circle cx="16" cy="16" r="6" fill="#4f46e5"></circle>
            <circle cx="16" cy="16" r="2.2" fill="#ffb067"></circle>
          </svg>
          <span>Fovea</span>
        </h1>
        <app-model-pill .model=${model}></app-model-pill>
        ${
          state.turns.length > 0 && !isInspecting
            ? html`<button class="plain open" @click=${() => app.store.set({ isInspecting: true })}>What it saw</button>`
            : nothing
        }
      </header>
      <section class="notices" aria-label="Notices">${this.#notices()}</section>
      <main class=${isInspecting ? "with-inspector" : ""}>
        <div class="conversation">
          ${
            // The conversation's own updates must not wait for the page's.
            guard(
              [app],
              () => html`<fovea-chat placeholder="Ask about a picture" @fovea-model=${this.#modelFiles}>
              <app-welcome slot="empty" .app=${app}></app-welcome>
              <app-attach slot="attach" .app=${app}></app-attach>
            </fovea-chat>`,
            )
          }
          <div class="below">
            <app-speed .app=${app} .state=${state}></app-speed>
            <app-offline .state=${state} .app=${app}></app-offline>
          </div>
        </div>
        <aside ?hidden=${!isInspecting} aria-label="What the model saw">
          ${isInspecting ? html`<app-inspector .app=${app} .state=${state}></app-inspector>` : nothing}
        </aside>
      </main>
      <dialog aria-labelledby="dialog-title" @close=${() => this.#closed()} @cancel=${() => this.#closed()}>${this.dialog ? this.#dialog(this.dialog) : nothing}</dialog>
      ${this.isDraggedOver ? html`<div class="veil" aria-hidden="true">Drop to ask about it</div>` : nothing}
    </div>`;
  }

  #notices() {
    const { model, notice } = this.state;
    const openModels = () => void this.#open({ kind: "models" });
    const warnings = model.info?.warnings ?? [];
    const isDemo = model.source === SHIPPED_MODEL;
    return html`${
      isDemo
        ? html`<p class="notice">A tiny demo model: it knows emoji scenes, not photographs.
            <button class="link" @click=${openModels}>Get a real model</button></p>`
        : nothing
    }
    ${
      model.hasFailed && !isDemo
        ? html`<p class="notice">${model.name} could not be loaded.
            <button class="link" @click=${() => this.app.choose(SHIPPED_MODEL, SHIPPED_MODEL)}>Use ${SHIPPED_MODEL}</button>
            <button class="link" @click=${openModels}>Choose another model</button></p>`
        : nothing
    }
    ${notice ? html`<p class="notice" role="alert">${notice}</p>` : nothing}
    ${warnings.length > 0 ? html`<details class="notice"><summary>Warnings about this model: ${warnings.length}</summary><ul>${warnings.map((text) => html`<li>${text}</li>`)}</ul></details>` : nothing}`;
  }

  #dialog(dialog: DialogRequest) {
    return html`<div class="stack">
      <div class="row spread">
        <h2 id="dialog-title">${TITLES[dialog.kind]}</h2>
        <button class="plain" @click=${() => this.#close()}>Close</button>
      </div>
      ${this.#content(dialog)}
    </div>`;
  }

  #content(dialog: DialogRequest) {
    const { app, state } = this;
    const take = (file: File) => {
      app.chat.attach([file]);
      this.#close();
      app.chat.focus();
    };
    switch (dialog.kind) {
      case "models":
        return html`<app-models .app=${app} .model=${state.model} .copy=${state.copy} .address=${dialog.address} .files=${dialog.files} @chosen=${() => this.#close()}></app-models>`;
      case "camera":
        return html`<app-camera .app=${app} @photograph=${({ detail }: CustomEvent<File>) => take(detail)}></app-camera>`;
      case "scene":
        return html`<app-scene-builder @scene=${({ detail }: CustomEvent<SceneEvent>) => take(new File([detail.blob], SCENE_NAME, { type: detail.blob.type }))}></app-scene-builder>`;
    }
  }

  async #open(request: DialogRequest): Promise<void> {
    this.dialog = request;
    await this.updateComplete;
    if (!this.#element.open) this.#element.showModal();
  }

  #close(): void {
    this.#element.close();
  }

  #closed(): void {
    this.dialog = undefined;
  }

  get #element(): HTMLDialogElement {
    return this.renderRoot.querySelector("dialog")!;
  }

  /** Shows what a dropped model costs before it is loaded, as of any other. */
  #modelFiles = (event: CustomEvent<{ files: readonly File[] }>): void => {
    event.preventDefault();
    void this.#open({ kind: "models", files: event.detail.files });
  };

  /** Outside of the element, which takes its own. */
  #paste = (event: ClipboardEvent): void => {
    const files = pastedFiles(event);
    if (event.defaultPrevented || files.length === 0) return;
    event.preventDefault();
    this.app.chat.attach(files);
  };

  #drag = (event: DragEvent): void => {
    if (event.type === "dragleave" ? event.relatedTarget === null : event.type === "drop") this.isDraggedOver = false;
    if (!isTaken(event.dataTransfer) || event.type === "dragleave") return;
    if (event.type === "dragover") this.isDraggedOver = true;
    if (event.defaultPrevented) return;
    // Otherwise the browser leaves the page and shows the file or the address.
    event.preventDefault();
    if (event.type === "drop") this.app.chat.attach(event.dataTransfer);
  };
}
