/** All settings of the next question, and the code for them. logic/settings.ts converts them for the engine. */
import { css, html, LitElement, nothing } from "lit";
import type { App } from "../logic/app.ts";
import { budgetPercent, codeOf, type Settings } from "../logic/settings.ts";
import type { PageState } from "../logic/state.ts";
import { base } from "./base.ts";

/** Choices of a list, with their labels. */
type Choices<K extends keyof Settings> = readonly (readonly [value: Settings[K], text: string])[];

/** The type asks for a label of each method. */
const METHODS: Readonly<Record<Settings["method"], string>> = {
  vmtc: "Merge while encoding (VMTC)",
  "prune-last": "Drop after encoding",
  prumerge: "PruMerge",
  pool: "Average blocks",
  diverse: "Keep the most different (DivPrune)",
  uniform: "Keep evenly spaced ones",
};
const CLUSTERS: Choices<"clusters"> = [
  ["auto", "merged into clusters"],
  ["fuse", "merged into one token"],
  ["drop", "dropped"],
];
const MERGES: Choices<"merge"> = [
  ["normalized", "Weights add up to 1"],
  ["raw", "Raw importance"],
];
const POSITIONS: Choices<"positions"> = [
  ["contiguous", "One after another"],
  ["original", "As in the picture"],
];
const SCORES: Choices<"score"> = [
  ["focus", "Focus (text to text to image)"],
  ["text-to-image", "Text to image only"],
  ["sum", "Sum over earlier words"],
  ["discounted-sum", "Discounted sum"],
];
const SCHEDULES: Choices<"schedule"> = [
  ["linear", "Rising with depth"],
  ["constant", "The same in all layers"],
];
const SCOPES: Choices<"scope"> = [
  ["row", "All pictures together"],
  ["image", "Each picture alone"],
];

export class Research extends LitElement {
  static override properties = { app: { attribute: false }, state: { attribute: false } };
  declare app: App;
  declare state: PageState;

  static override styles = [
    base,
    css`
      .sliders,
      .choices {
        display: grid;
        gap: 0.9rem 1.25rem;
        grid-template-columns: repeat(auto-fit, minmax(min(13rem, 100%), 1fr));
      }
      .choices {
        margin-top: 0.6rem;
      }
      .choices label:not(.check) {
        display: grid;
        gap: 0.2rem;
      }
    `,
  ];

  override render() {
    const { settings } = this.state;
    const { info } = this.state.model;
    return html`<div class="stack">
      <div class="sliders">${this.#budget(settings)} ${this.#inhibition(settings)}</div>
      <div class="choices">
        ${this.#choice("method", "Compression", Object.entries(METHODS) as unknown as Choices<"method">)}
        ${
          settings.method === "vmtc"
            ? [
                this.#number("stages", "Stages", 1, 6, 1),
                this.#choice("clusters", "Other tokens are", CLUSTERS),
                this.#choice("merge", "Merging", MERGES),
                this.#choice("positions", "Positions", POSITIONS),
              ]
            : nothing
        }
        ${this.#choice("score", "Inhibition by", SCORES)} ${this.#choice("schedule", "Inhibition schedule", SCHEDULES)}
        ${this.#choice("scope", "Rank within", SCOPES)}
        ${this.#number("maxTokens", "Answer limit, in tokens", 16, 1024, 16)}
        ${this.#number("temperature", "Temperature (0: most likely answer)", 0, 1.5, 0.1)}
        <label class="check">
          <input type="checkbox" .checked=${settings.watch} @change=${(event: Event) => this.app.set({ watch: (event.target as HTMLInputElement).checked })} />
          record where the words look
        </label>
      </div>
      <div class="row">
        <button @click=${() => this.app.set(this.state.defaults)}>Reset to defaults</button>
        <button ?disabled=${!info} @click=${() => void navigator.clipboard?.writeText(codeOf(settings, info!))}>Copy as code</button>
      </div>
    </div>`;
  }

  #budget(settings: Settings) {
    const text = settings.budget >= 1 ? "all" : `${budgetPercent(settings)} %`;
    return html`<div class="slider">
      <label for="budget">Image tokens</label>
      <output for="budget">${text}</output>
      <input id="budget" type="range" min=${1 / 16} max="1" step=${1 / 64} .value=${String(settings.budget)} aria-valuetext=${`${text} of the tokens`}
        @input=${(event: Event) => this.app.set({ budget: numberOf(event) })} />
      <span class="soft">Fewer tokens are faster. All: no compression.</span>
    </div>`;
  }

  #inhibition({ inhibition }: Settings) {
    const text = inhibition === 0 ? "off" : `up to ${Math.round(100 * inhibition)} %`;
    return html`<div class="slider">
      <label for="inhibition">Inhibition</label>
      <output for="inhibition">${text}</output>
      <input id="inhibition" type="range" min="0" max="0.95" step="0.05" .value=${String(inhibition)} aria-valuetext=${text}
        @input=${(event: Event) => this.app.set({ inhibition: numberOf(event) })} />
      <span class="soft">Hides the parts of the picture that a word attends to least.</span>
    </div>`;
  }

  #number(name: "stages" | "maxTokens" | "temperature", label: string, min: number, max: number, step: number) {
    const value = this.state.settings[name];
    return html`<div class="slider">
      <label for=${name}>${label}</label>
      <output for=${name}>${value}</output>
      <input id=${name} type="range" min=${min} max=${max} step=${step} .value=${String(value)}
        @input=${(event: Event) => this.app.set({ [name]: numberOf(event) })} />
    </div>`;
  }

  #choice<K extends "method" | "clusters" | "merge" | "positions" | "score" | "schedule" | "scope">(
    name: K,
    label: string,
    choices: Choices<K>,
  ) {
    const chosen = this.state.settings[name];
    return html`<label>
      <span>${label}</span>
      <select @change=${(event: Event) => this.app.set({ [name]: (event.target as HTMLSelectElement).value })}>
        ${choices.map(([value, text]) => html`<option value=${String(value)} ?selected=${value === chosen}>${text}</option>`)}
      </select>
    </label>`;
  }
}

function numberOf(event: Event): number {
  return Number((event.target as HTMLInputElement).value);
}
