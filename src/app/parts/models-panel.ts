/** The choice of a model: the demo model, an address or hub name, a local folder or files, a stored model. */
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { suggested } from "../../../weights-manifest.json" with { type: "json" };
import type { ModelFiles, ModelPlan } from "../../api.ts";
import { byteText } from "../../element/wording.ts";
import { shownSource } from "../../shared/small-copy.ts";
import { sourceName, splitChoice } from "../../shared/source.ts";
import { type ModelAccess, type ModelSource, planModel, SHIPPED_MODEL } from "../engine.ts";
import type { App } from "../logic/app.ts";
import { type Problem, problemOf } from "../logic/problem.ts";
import type { CopyState, ModelState } from "../logic/state.ts";
import { base } from "./base.ts";
import { factsText } from "./model-pill.ts";
import { problemView } from "./problem-view.ts";
import type { ServerChoice } from "./server-form.ts";
import { canCopy } from "./small-copy.ts";
import { FIT_WORDS } from "./suggested-models.ts";

/** A checked model that waits for the user's confirmation. */
interface Candidate {
  source: ModelSource;
  name: string;
  access: ModelAccess;
  plan: ModelPlan | undefined;
}

const TOKEN_FIELD = html`<label for="token">Access token, for gated models</label>
  <input id="token" type="text" autocomplete="off" autocapitalize="none" spellcheck="false" placeholder="hf_…" aria-describedby="token-note" />
  <p class="soft" id="token-note">It is sent to the hub only, and forgotten when you close this page.</p>`;

/** The typed text is a name of the hub, another source, or words to search for. */
type Typed = "hub" | "source" | "words";

function typedKind(text: string): Typed {
  const source = sourceName(text);
  if (source.startsWith("hf:")) return "hub";
  return source === "" || source === SHIPPED_MODEL || /^[a-z]+:/i.test(source) ? "source" : "words";
}

type Variant = NonNullable<ModelPlan["variants"]>[number];

export class ModelsPanel extends LitElement {
  static override properties = {
    app: { attribute: false },
    model: { attribute: false },
    copy: { attribute: false },
    address: { attribute: false },
    files: { attribute: false },
    candidate: { state: true },
    problem: { state: true },
    typed: { state: true },
    words: { state: true },
  };
  declare app: App;
  /** The model that is loaded. */
  declare model: ModelState | undefined;
  /** The small copy that is being made, or was made last. */
  declare copy: CopyState | undefined;
  /** A model to check when the panel opens. */
  declare address: string | undefined;
  /** Files to check when the panel opens, or while it is open. */
  declare files: readonly File[] | undefined;
  declare candidate: Candidate | undefined;
  declare problem: Problem | undefined;
  declare typed: Typed;
  /** The last search on the hub. */
  declare words: string;
  #looking = new AbortController();
  /** The last model that was checked. */
  #asked: [source: ModelSource, name: string, access: ModelAccess] | undefined;

  static override styles = [
    base,
    css`
      form {
        margin: 0;
      }
      .grow {
        flex: 1 1 14rem;
      }
      /* Not a password field, because browsers offer to store passwords. */
      #token {
        -webkit-text-security: disc;
      }
      /* No gap for an empty status. */
      [role="status"]:empty {
        position: absolute;
      }
      .error ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .name {
        font-weight: 600;
        overflow-wrap: anywhere;
      }
    `,
  ];

  constructor() {
    super();
    this.typed = "source";
    this.words = "";
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#looking.abort();
  }

  override render() {
    return html`<div class="stack">
      ${this.model?.info ? html`<p class="soft"><strong>${this.model.name}</strong> is loaded: ${factsText(this.model)}</p>` : nothing}
      ${this.model && (this.copy || canCopy(this.model)) ? html`<app-small-copy .app=${this.app} .model=${this.model} .copy=${this.copy} @chosen=${() => this.dispatchEvent(new CustomEvent("chosen"))}></app-small-copy>` : nothing}
      <app-suggested-models
        @load=${(event: CustomEvent<string>) => this.#load(event.detail, event.detail)}
        @check=${(event: CustomEvent<string>) => this.#suggest(event.detail)}></app-suggested-models>
      <div role="status">${this.candidate ? this.#candidateView(this.candidate) : nothing}</div>
      ${this.problem ? problemView(this.problem, this.#waysOut(this.problem)) : nothing}
      <form class="card stack" @submit=${(event: Event) => this.#address(event)}>
        <label for="address">Another model: a name on Hugging Face, a web address, or words to search for</label>
        <div class="row">
          <input id="address" class="grow" type="text" required autocomplete="off" autocapitalize="none" spellcheck="false" placeholder="owner/name, or a word"
            @input=${(event: Event) => {
              this.typed = typedKind((event.target as HTMLInputElement).value);
            }} />
          ${this.typed === "hub" ? nothing : this.#submit()}
        </div>
        ${this.typed === "hub" ? html`${TOKEN_FIELD}<div class="row">${this.#submit()}</div>` : nothing}
      </form>
      <app-hub-search .words=${this.words} @check=${(event: CustomEvent<string>) => this.#suggest(event.detail)}></app-hub-search>
      <div class="card stack">
        <h3>From your computer</h3>
        <div class="row">
          <button @click=${() => this.#input("folder").click()}>Choose a folder</button>
          <button @click=${() => this.#input("files").click()}>Choose files</button>
          <input id="folder" type="file" webkitdirectory hidden aria-label="Folder of a model" @change=${this.#files} />
          <input id="files" type="file" multiple hidden aria-label="Files of a model" @change=${this.#files} />
        </div>
        <p class="soft">config.json, tokenizer.json, preprocessor_config.json and the safetensors files, or a GGUF file. Nothing is uploaded.</p>
      </div>
      <app-server-form @use-server=${(event: CustomEvent<ServerChoice>) => {
        void this.app.chooseServer(event.detail);
        this.dispatchEvent(new CustomEvent("chosen"));
      }}></app-server-form>
      <app-stored-models .copy=${this.copy} @load-stored=${(event: CustomEvent<string>) => this.#load(event.detail, shownSource(event.detail))}></app-stored-models>
    </div>`;
  }

  protected override firstUpdated(): void {
    if (!this.address) return;
    this.#input("address").value = this.address;
    this.typed = typedKind(this.address);
    void this.#lookUp(this.address, this.address);
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("files") && this.files) this.#check(this.files);
    if (!changed.has("candidate") && !changed.has("problem")) return;
    this.renderRoot.querySelector(".found, .error")?.scrollIntoView({ block: "nearest" });
  }

  #candidateView(candidate: Candidate) {
    const { source, name, access, plan } = candidate;
    if (!plan) return html`<p class="card found">Checking <span class="name">${name}</span> …</p>`;
    const { downloadBytes, totalBytes, storedBytes, freeStorageBytes, gpu } = plan;
    const isTooLarge = freeStorageBytes !== undefined && downloadBytes > freeStorageBytes;
    const problems = isTooLarge
      ? ["The browser gives this page less space than this; delete a stored model first."]
      : plan.problems;
    const fit = plan.fit && FIT_WORDS[plan.fit].toLowerCase();
    const others = (plan.variants ?? []).filter(({ file }) => !plan.files.some(({ name }) => name === file));
    const facts = [
      `${plan.family}, ${(plan.parameters / 1e6).toFixed(1)} million parameters`,
      downloadBytes > 0
        ? `${byteText(downloadBytes)} to download${storedBytes > 0 ? `, ${byteText(storedBytes)} already downloaded` : ""}`
        : `${byteText(totalBytes)}, all on this computer`,
      freeStorageBytes === undefined ? undefined : `${byteText(freeStorageBytes)} of free space`,
      `about ${byteText(gpu.totalBytes + gpu.pictureBytes)} of GPU memory, weights as ${plan.weights}${fit ? `: ${fit}` : ""}`,
    ];
    return html`<div class="card stack found">
      <p class="name">${name}</p>
      <ul>
        ${facts.filter(Boolean).map((fact) => html`<li>${fact}</li>`)}
      </ul>
      ${problems.map((problem) => html`<p class="error">${problem}</p>`)}
      ${others.length > 0 ? html`<p class="soft">Other quantisations:</p><div class="row">${others.map((other) => this.#variant(other, candidate))}</div>` : nothing}
      <div class="row">
        <button class="primary" @click=${() => this.#load(source, name, access)}>${downloadBytes > 0 ? "Download and load" : "Load"}</button>
        <button @click=${() => this.#forget()}>Not now</button>
      </div>
    </div>`;
  }

  /** A button that checks another quantisation. Of a hub's model it is part of the source, so that both can be stored. */
  #variant({ name: label, file, bytes, fits }: Variant, { source, name, access }: Candidate) {
    const check = () =>
      typeof source === "string"
        ? this.#lookUp(`${splitChoice(sourceName(source)).folder}:${file}`, name, access)
        : this.#lookUp(source, name, { ...access, variant: file });
    return html`<button @click=${() => void check()}>${label}, ${byteText(bytes)}${fits ? "" : " (may not fit)"}</button>`;
  }

  /** Buttons under a problem: the same again, or models that run. */
  #waysOut({ code }: Problem) {
    if (code === "download-failed" && this.#asked)
      return html`<div class="row"><button @click=${() => void this.#lookUp(...this.#asked!)}>Try again</button></div>`;
    if (code !== "unsupported-model") return nothing;
    return html`<p>These run here:</p>
      <ul class="stack">
        <li><button @click=${() => this.#load(SHIPPED_MODEL, SHIPPED_MODEL)}>${SHIPPED_MODEL}</button> emoji scenes only, already here</li>
        ${suggested.map(
          ({ name, bytes, skill }) =>
            html`<li><button @click=${() => this.#suggest(name)}>${name}</button> ${skill}, ${byteText(bytes)}</li>`,
        )}
      </ul>`;
  }

  #submit() {
    return html`<button type="submit">${this.typed === "words" ? "Search" : "Check"}</button>`;
  }

  #suggest(name: string): void {
    this.#input("address").value = name;
    this.typed = "hub";
    void this.#lookUp(name, name);
  }

  #input(id: string): HTMLInputElement {
    return this.renderRoot.querySelector<HTMLInputElement>(`#${id}`)!;
  }

  #address(event: Event): void {
    event.preventDefault();
    const address = this.#input("address").value.trim();
    if (typedKind(address) === "words") {
      this.#forget();
      this.words = address;
      return;
    }
    const hubToken = typedKind(address) === "hub" ? this.#input("token")?.value.trim() : "";
    if (address !== "") void this.#lookUp(address, address, hubToken ? { hubToken } : {});
  }

  #files(event: Event): void {
    const input = event.target as HTMLInputElement;
    const files = [...(input.files ?? [])];
    // Lets the user choose the same files again.
    input.value = "";
    if (files.length > 0) this.#check(files);
  }

  #check(files: readonly File[]): void {
    const byPath: ModelFiles = Object.fromEntries(files.map((file) => [file.webkitRelativePath || file.name, file]));
    void this.#lookUp(
      byPath,
      files[0]!.webkitRelativePath.split("/")[0] || (files.length === 1 ? files[0]!.name : `${files.length} files`),
    );
  }

  /** Shows a model's cost before loading it. */
  async #lookUp(source: ModelSource, name: string, access: ModelAccess = {}): Promise<void> {
    this.#forget();
    this.#asked = [source, name, access];
    this.candidate = { source, name, access, plan: undefined };
    const { signal } = this.#looking;
    try {
      const plan = await planModel(source, access, signal);
      if (!signal.aborted) this.candidate = { source, name, access, plan };
    } catch (error) {
      if (signal.aborted) return;
      this.candidate = undefined;
      this.problem = problemOf(error);
    }
  }

  #forget(): void {
    this.#looking.abort();
    this.#looking = new AbortController();
    this.candidate = undefined;
    this.problem = undefined;
  }

  #load(source: ModelSource, name: string, access: ModelAccess = {}): void {
    this.app.choose(source, name, access);
    this.dispatchEvent(new CustomEvent("chosen"));
  }
}
