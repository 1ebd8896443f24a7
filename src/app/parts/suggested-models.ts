/** Models to try: what each is for, what it takes, and whether it is likely to fit. */
import { css, html, LitElement, nothing } from "lit";
import { models, suggested } from "../../../weights-manifest.json" with { type: "json" };
import type { ModelFit } from "../../api.ts";
import { byteText } from "../../element/wording.ts";
import { sourceName } from "../../shared/source.ts";
import { guessFit, SHIPPED_MODEL, storedModels } from "../engine.ts";
import { base } from "./base.ts";

type Suggested = (typeof suggested)[number];

export const FIT_WORDS: Record<ModelFit, string> = {
  fits: "Likely to fit",
  tight: "A tight fit",
  "too-large": "Likely too large",
};

/** Models whose published weights were run. */
const RUN = suggested.filter(({ published }) => published).map(({ name }) => name.replace(/:.*/, ""));

export class SuggestedModels extends LitElement {
  static override properties = { fits: { state: true }, stored: { state: true } };
  /** By name; empty where the browser tells nothing of its GPU, undefined until it was asked. */
  declare fits: ReadonlyMap<string, ModelFit> | undefined;
  /** Sources of complete models on disk. */
  declare stored: ReadonlySet<string>;

  static override styles = [
    base,
    css`
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        gap: 0.25rem 1rem;
        align-items: center;
        justify-content: space-between;
        padding: 0.6rem 0;
        border-top: 1px solid var(--line);
      }
      li > div:first-child {
        flex: 1 1 16rem;
      }
      h3 {
        overflow-wrap: anywhere;
      }
      :is(.tight, .too-large) {
        font-weight: 600;
      }
      .unknown {
        visibility: hidden;
      }
      .owner {
        font-weight: 400;
        color: var(--soft);
      }
    `,
  ];

  constructor() {
    super();
    this.stored = new Set();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#look();
  }

  override render() {
    return html`<ul aria-label="Models to try">
      <li>
        <div>
          <h3>${SHIPPED_MODEL}</h3>
          <p class="soft">${models[SHIPPED_MODEL].about.note} Already here.</p>
        </div>
        <button @click=${() => this.#choose("load", SHIPPED_MODEL)}>Use</button>
      </li>
      ${suggested.map((model) => this.#entry(model))}
    </ul>
    <p class="soft">Only ${RUN.join(", ")} was run with its published weights. The others were tested with random weights of the same shape.</p>`;
  }

  #entry(model: Suggested) {
    const { name, skill, licence, bytes, small, budget, published } = model;
    const [owner, short] = name.split("/") as [string, string];
    const isHere = this.stored.has(sourceName(name));
    const facts = [
      isHere ? "Downloaded" : `${byteText(bytes)} to download`,
      model.gpuBytes && `about ${byteText(model.gpuBytes)} of GPU memory`,
      licence,
      budget === 0.5 && "begin with half of the image tokens",
      published && "run with its published weights",
    ];
    return html`<li>
      <div>
        <h3><span class="owner">${owner}/</span>${short}</h3>
        <p>${skill.charAt(0).toUpperCase()}${skill.slice(1)}.</p>
        <p class="soft">${facts.filter(Boolean).join(" · ")}${this.#fit(name)}</p>
      </div>
      <div class="row">
        ${small ? html`<button aria-label=${`Smaller file: ${small}`} title=${small} @click=${() => this.#choose("check", small)}>Smaller file</button>` : nothing}
        ${
          isHere
            ? html`<button aria-label=${`Load ${name}`} @click=${() => this.#choose("load", name)}>Load</button>`
            : html`<button aria-label=${`Check ${name}`} @click=${() => this.#choose("check", name)}>Check</button>`
        }
      </div>
    </li>`;
  }

  #fit(name: string) {
    // Keeps the place, so that nothing moves once it is known.
    if (!this.fits) return html`<span class="unknown" aria-hidden="true"> · ${FIT_WORDS.fits}</span>`;
    const fit = this.fits.get(name);
    return fit ? html` · <span class=${fit}>${FIT_WORDS[fit]}</span>` : nothing;
  }

  async #look(): Promise<void> {
    const complete = (await storedModels().catch(() => [])).filter((model) => model.complete);
    this.stored = new Set(complete.map(({ source }) => source));
    const fits = suggested.map(async ({ name, bytes, gpuBytes = bytes }) => [name, await guessFit(gpuBytes)] as const);
    this.fits = new Map((await Promise.all(fits)).flatMap(([name, fit]) => (fit ? [[name, fit]] : [])));
  }

  #choose(kind: "load" | "check", name: string): void {
    this.dispatchEvent(new CustomEvent<string>(kind, { detail: name }));
  }
}
