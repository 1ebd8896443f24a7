/** The whole page: lays out its parts, passes them the state, opens dialogs, takes dropped and pasted pictures. */
import { css, html, LitElement, nothing } from "lit";
import { isTaken } from "../../element/dropped.ts";
import { pastedFiles } from "../../element/typing.ts";
import type { App } from "../logic/app.ts";
import type { PageState } from "../logic/state.ts";
import { base } from "./base.ts";
import type { DialogRequest } from "./dialogs.ts";
import type { SceneEvent } from "./scene-builder.ts";

const TITLES: Record<DialogRequest["kind"], string> = {
  scene: "Build a scene",
  camera: "Take a photo",
  models: "Models",
};

export class Page extends LitElement {
  static override properties = {
    app: { attribute: false },
    state: { state: true },
    dialog: { state: true },
    dropping: { state: true },
  };
  declare app: App;
  declare state: PageState;
  declare dialog: DialogRequest | undefined;
  /** Files are held over the page. */
  declare dropping: boolean;
  #unsubscribe = () => {};

  static override styles = [
    base,
    css`
      header {
        display: flex;
        flex-wrap: wrap;
        gap: 0.25rem 1rem;
        align-items: center;
        max-width: 84rem;
        margin: 0 auto;
        padding: 1.1rem 1rem 0.25rem;
      }
      h1 {
        display: flex;
        gap: 0.55rem;
        align-items: center;
        margin: 0;
        font-size: 1.5rem;
        letter-spacing: -0.02em;
      }
      h1 svg {
        width: 2rem;
        height: 2rem;
      }
      main {
        display: grid;
        gap: 1rem;
        grid-template-columns: minmax(0, 1fr);
        max-width: 84rem;
        margin: 0 auto;
        padding: 1rem;
      }
      .column {
        display: grid;
        gap: 1rem;
        align-content: start;
        min-width: 0;
      }
      @media (min-width: 60rem) {
        main {
          grid-template-columns: minmax(0, 5fr) minmax(0, 6fr);
          align-items: start;
        }
        .left {
          position: sticky;
          top: 1rem;
        }
        .wide {
          grid-column: 1 / -1;
        }
      }
      .dropping main {
        outline: 3px dashed var(--accent);
        outline-offset: -0.4rem;
        border-radius: 1rem;
      }
      dialog h2 {
        font-size: 1.15rem;
      }
      footer {
        max-width: 84rem;
        margin: 0 auto;
        padding: 0 1rem 1.5rem;
      }
    `,
  ];

  constructor() {
    super();
    this.dropping = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.state = this.app.store.state;
    this.#unsubscribe = this.app.store.subscribe(() => {
      this.state = this.app.store.state;
    });
    document.addEventListener("paste", this.#paste);
    document.addEventListener("dragover", this.#over);
    document.addEventListener("dragleave", this.#leave);
    document.addEventListener("drop", this.#drop);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unsubscribe();
    document.removeEventListener("paste", this.#paste);
    document.removeEventListener("dragover", this.#over);
    document.removeEventListener("dragleave", this.#leave);
    document.removeEventListener("drop", this.#drop);
  }

  /** Loads the model that the page's address names, if it names one. */
  openModel(address: string): void {
    void this.app.models.open(address, () => void this.#open({ kind: "models", address }));
  }

  override render() {
    const { app, state } = this;
    return html`<div class=${this.dropping ? "dropping" : ""}>
      <header>
        <h1>
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path d="M2 16C6 9 11 6 16 6s10 3 14 10c-4 7-9 10-14 10S6 23 2 16z" fill="none" stroke="currentColor" stroke-width="2.2"></path>
            <circle cx="16" cy="16" r="6" fill="#4f46e5"></circle>
            <circle cx="16" cy="16" r="2.2" fill="#ffb067"></circle>
          </svg>
          Fovea
        </h1>
        <p class="soft">Ask a model about your pictures. It runs on your own GPU; pictures and questions stay on this computer.</p>
      </header>
      <main
        @open-dialog=${(event: CustomEvent<DialogRequest>) => this.#open(event.detail)}
      >
        <app-model-status class="wide" .app=${app} .model=${state.model}></app-model-status>
        <app-picture-panel class="column left" .app=${app} .state=${state}></app-picture-panel>
        <div class="column">
          <app-conversation .app=${app} .state=${state} ?hidden=${state.turns.length === 0}></app-conversation>
          <app-composer .app=${app} .state=${state}></app-composer>
          <app-settings .app=${app} .state=${state}></app-settings>
        </div>
      </main>
      <footer class="soft">
        <app-offline .state=${state} .app=${app}></app-offline>
        <p><a href="bench.html" target="_blank">Measure this GPU</a></p>
      </footer>
      <dialog aria-labelledby="dialog-title" @close=${() => this.#closed()} @cancel=${() => this.#closed()}>${this.dialog ? this.#dialog(this.dialog) : nothing}</dialog>
    </div>`;
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
    if (dialog.kind === "models")
      return html`<app-models .app=${app} .address=${dialog.address} @chosen=${() => this.#close()}></app-models>`;
    if (dialog.kind === "camera")
      return html`<app-camera @photograph=${(event: CustomEvent<File>) => {
        void app.pictures.addFiles([event.detail]);
        this.#close();
      }}></app-camera>`;
    const changed = state.draft.find(({ id }) => id === dialog.picture);
    const take = ({ detail: { scene, blob } }: CustomEvent<SceneEvent>) => {
      if (changed) void app.pictures.replace(changed.id, blob, scene);
      else void app.pictures.add(blob, "Scene", scene);
      this.#close();
    };
    return changed?.scene
      ? html`<app-scene-builder .scene=${changed.scene} @scene=${take}></app-scene-builder>`
      : html`<app-scene-builder @scene=${take}></app-scene-builder>`;
  }

  async #open(request: DialogRequest): Promise<void> {
    this.dialog = request;
    await this.updateComplete;
    this.#element.showModal();
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

  #paste = (event: ClipboardEvent): void => {
    const files = pastedFiles(event);
    if (files.length === 0) return;
    event.preventDefault();
    void this.app.pictures.addFiles(files);
  };

  #over = (event: DragEvent): void => {
    if (!isTaken(event.dataTransfer)) return;
    event.preventDefault();
    this.dropping = true;
  };

  #leave = (event: DragEvent): void => {
    if (!event.relatedTarget) this.dropping = false;
  };

  #drop = (event: DragEvent): void => {
    this.dropping = false;
    if (!isTaken(event.dataTransfer)) return;
    // Otherwise the browser leaves the page and shows the file or the address.
    event.preventDefault();
    void this.app.pictures.addDropped(event.dataTransfer);
  };
}
