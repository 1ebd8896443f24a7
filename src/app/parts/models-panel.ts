/** Where another model is chosen: the shipped one, an address or hub id, a folder or files of this machine. */
import { css, html, LitElement, nothing } from "lit";
import type { ModelFiles } from "../../api.ts";
import { byteText } from "../../element/wording.ts";
import { SHIPPED_MODEL } from "../engine.ts";
import type { App } from "../logic/app.ts";
import type { ModelState } from "../logic/state.ts";
import { base } from "./base.ts";

export class ModelsPanel extends LitElement {
  static override properties = { app: { attribute: false }, model: { attribute: false }, storage: { state: true } };
  declare app: App;
  declare model: ModelState;
  declare storage: StorageEstimate | undefined;

  static override styles = [
    base,
    css`
      form {
        margin: 0;
      }
      .grow {
        flex: 1 1 14rem;
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void navigator.storage?.estimate?.().then((storage) => {
      this.storage = storage;
    });
  }

  override render() {
    return html`<div class="stack">
      <div class="card stack">
        <h3>Shipped with this page</h3>
        <div class="row">
          <button @click=${() => this.#load(SHIPPED_MODEL, SHIPPED_MODEL)}>Load ${SHIPPED_MODEL}</button>
          <span class="soft">knows scenes of emoji, and follows small instructions</span>
        </div>
      </div>
      <form class="card stack" @submit=${(event: Event) => this.#address(event)}>
        <label for="address">Address of a folder in Hugging Face layout, or a hub id such as hf:owner/name</label>
        <div class="row">
          <input id="address" class="grow" type="text" required autocomplete="off" autocapitalize="none" spellcheck="false" placeholder="hf:owner/name" />
          <button type="submit" class="primary">Load</button>
        </div>
        ${this.#room()}
      </form>
      <div class="card stack">
        <h3>From this machine</h3>
        <div class="row">
          <button @click=${() => this.#input("folder").click()}>Choose a folder</button>
          <button @click=${() => this.#input("files").click()}>Choose files</button>
          <input id="folder" type="file" webkitdirectory hidden aria-label="Folder of a model" @change=${this.#files} />
          <input id="files" type="file" multiple hidden aria-label="Files of a model" @change=${this.#files} />
        </div>
        <p class="soft">config.json, tokenizer.json, tokenizer_config.json, preprocessor_config.json and the safetensors files. Nothing is uploaded.</p>
      </div>
    </div>`;
  }

  #room() {
    const { quota, usage } = this.storage ?? {};
    if (quota === undefined || usage === undefined) return nothing;
    return html`<p class="soft">This browser keeps ${byteText(usage)} for this page and has room for ${byteText(quota - usage)} more.</p>`;
  }

  #input(id: string): HTMLInputElement {
    return this.renderRoot.querySelector<HTMLInputElement>(`#${id}`)!;
  }

  #address(event: Event): void {
    event.preventDefault();
    const address = this.#input("address").value.trim();
    if (address !== "") this.#load(address, address);
  }

  #files(event: Event): void {
    const input = event.target as HTMLInputElement;
    const files = [...(input.files ?? [])];
    // So that the same choice can be made again.
    input.value = "";
    if (files.length === 0) return;
    const byPath: ModelFiles = Object.fromEntries(files.map((file) => [file.webkitRelativePath || file.name, file]));
    this.#load(byPath, files[0]!.webkitRelativePath.split("/")[0] || `${files.length} files`);
  }

  #load(source: string | ModelFiles, name: string): void {
    void this.app.models.load(source, name);
    this.dispatchEvent(new CustomEvent("chosen"));
  }
}
