/** An answer in detail: its image tokens, where its words looked, its cost, and settings for research. */
import { css, html, LitElement, nothing } from "lit";
import type { App } from "../logic/app.ts";
import { exportJson, exportMarkdown } from "../logic/export.ts";
import { saveFile } from "../logic/save.ts";
import { changesText } from "../logic/settings.ts";
import type { PageState, View } from "../logic/state.ts";
import { type Viewed, viewedOf } from "../logic/viewing.ts";
import { base } from "./base.ts";
import { comparisonView } from "./comparison-view.ts";

const MODES: readonly (readonly [View["mode"], string])[] = [
  ["picture", "Picture"],
  ["tokens", "Tokens"],
  ["gaze", "Gaze"],
];
/** Time that the play button gives all stages. */
const PLAY_MS = 1200;

export class Inspector extends LitElement {
  static override properties = { app: { attribute: false }, state: { attribute: false } };
  declare app: App;
  declare state: PageState;
  #playing: ReturnType<typeof setTimeout> | undefined;

  static override styles = [
    base,
    css`
      .top {
        position: sticky;
        top: -1rem;
        z-index: 1;
        margin: -1rem -1rem 0;
        padding: 0.75rem 1rem;
        background: var(--card);
      }
      .modes {
        display: flex;
        gap: 0.25rem;
        padding: 0.25rem;
        border-radius: 0.75rem;
        background: var(--well);
      }
      .modes button {
        flex: 1;
        min-height: 2.25rem;
        border-color: transparent;
        background: none;
      }
      .modes button[aria-pressed="true"] {
        border-color: var(--edge);
        background: var(--card);
      }
      @media (pointer: coarse) {
        .modes button {
          min-height: 2.75rem;
        }
      }
      .play {
        grid-column: 1 / -1;
        justify-self: start;
      }
      summary {
        width: fit-content;
        padding: 0.4rem 0;
        cursor: pointer;
        font-weight: 600;
      }
      details {
        border-top: 1px solid var(--line);
        padding-top: 0.35rem;
      }
      .sides {
        display: grid;
        gap: 1rem;
        grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr));
      }
    `,
  ];

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#playing);
  }

  override render() {
    const viewed = viewedOf(this.state, (picture) => this.app.pictures.of(picture));
    const { mode } = this.state.view;
    return html`<div class="stack">
      <div class="row spread top">
        <h2>What it saw</h2>
        <button class="plain" @click=${() => this.app.store.set({ isInspecting: false })}>Close</button>
      </div>
      <div class="modes" role="group" aria-label="Show">
        ${MODES.map(([value, text]) => html`<button aria-pressed=${mode === value} @click=${() => this.app.view({ mode: value })}>${text}</button>`)}
      </div>
      <app-picture-view .viewed=${viewed}></app-picture-view>
      ${this.#hint(viewed)} ${this.#which(viewed)} ${this.#layers(viewed)} ${this.#settings(viewed)}
      ${mode === "tokens" ? this.#stages(viewed) : nothing} ${mode === "gaze" ? this.#gaze(viewed) : nothing}
      ${this.#comparison(viewed)} ${this.#details(viewed)}
      <details>
        <summary>Research settings</summary>
        <app-research .app=${this.app} .state=${this.state}></app-research>
      </details>
    </div>`;
  }

  #hint({ answer, look, stages }: Viewed) {
    const { mode } = this.state.view;
    if (mode === "gaze" && !look)
      return html`<p class="soft">${answer?.attention ? "Point at a word of the answer to see where the model looked." : "This answer did not record where its words looked."}</p>`;
    if (mode === "tokens" && stages > 0)
      return html`<p class="soft">Sharp: kept as they are. Flat: merged into one token. Dark: dropped.</p>`;
    return nothing;
  }

  /** Which picture of an answer is shown, where there are several. */
  #which({ names, index }: Viewed) {
    if (names.length < 2) return nothing;
    return html`<div class="row" role="group" aria-label="Pictures of this answer">
      ${names.map((name, image) => html`<button aria-pressed=${index === image} @click=${() => this.app.view({ image })}>${name}</button>`)}
    </div>`;
  }

  /** Tiles or overview, where a picture has both. */
  #layers({ layers, layer }: Viewed) {
    if (layers.length === 0) return nothing;
    return html`<div class="row" role="group" aria-label="Views of this picture">
      ${layers.map((name, tiles) => html`<button aria-pressed=${layer === tiles} @click=${() => this.app.view({ tiles })}>${name}</button>`)}
    </div>`;
  }

  /** Two answers of different settings may look the same otherwise. */
  #settings({ answer }: Viewed) {
    const { info } = this.state.model;
    if (!info || info.server || !answer?.stats) return nothing;
    return html`<p class="soft settings">Settings of this answer: ${changesText(answer.settings, info) || "the model's own"}.</p>`;
  }

  #stages({ stage, stages }: Viewed) {
    if (stages === 0) return nothing;
    return html`<div class="slider">
      <label for="stage">Stage</label>
      <output for="stage">${stage === 0 ? "before" : `${stage} of ${stages}`}</output>
      <input id="stage" type="range" min="0" max=${stages} .value=${String(stage)}
        @input=${(event: Event) => this.#show(Number((event.target as HTMLInputElement).value))} />
      <button class="play" @click=${() => this.#play(0, stages)}>Play</button>
    </div>`;
  }

  #show(stage: number): void {
    clearTimeout(this.#playing);
    this.app.view({ stage });
  }

  #play(stage: number, stages: number): void {
    this.#show(stage);
    if (stage < stages) this.#playing = setTimeout(() => this.#play(stage + 1, stages), PLAY_MS / stages);
  }

  #gaze({ answer }: Viewed) {
    const layers = answer?.attention?.layers ?? [];
    if (layers.length === 0) return nothing;
    const { layer } = this.state.view;
    const ratio = layer === "all" ? undefined : layers[layer]?.ratio;
    const text =
      layer === "all"
        ? "mean of all"
        : `${layer + 1} of ${layers.length}${ratio ? `, inhibits ${Math.round(ratio * 100)} %` : ""}`;
    return html`<div class="slider">
      <label for="layer">Layer of the decoder</label>
      <output for="layer">${text}</output>
      <input id="layer" type="range" min="0" max=${layers.length} .value=${String(layer === "all" ? 0 : layer + 1)} aria-valuetext=${text}
        @input=${(event: Event) => {
          const value = Number((event.target as HTMLInputElement).value);
          this.app.view({ layer: value === 0 ? "all" : value - 1 });
        }} />
    </div>`;
  }

  #comparison({ answer }: Viewed) {
    const { comparison, model } = this.state;
    if (!model.info?.takesPictures || model.info.contextLength === 0 || !answer?.stats) return nothing;
    return html`${comparison ? comparisonView(comparison) : nothing}
      <div class="row">
        <button ?disabled=${comparison?.state === "running"} @click=${() => void this.app.compare()}>Compare with compression off</button>
      </div>`;
  }

  #details({ answer }: Viewed) {
    const { turns, model } = this.state;
    const { stats } = answer ?? {};
    if (turns.length === 0) return nothing;
    return html`<details>
      <summary>Details</summary>
      <div class="stack">
        ${stats && stats.newTokens > 0 ? html`<app-statistics .stats=${stats} .slowestMs=${stats.compileMs + stats.visionMs + stats.prefillMs + stats.decodeMs}></app-statistics>` : nothing}
        <div class="row">
          <button @click=${() => saveFile("fovea-conversation.json", "application/json", exportJson(turns, model))}>Save JSON</button>
          <button @click=${() => saveFile("fovea-conversation.md", "text/markdown", exportMarkdown(turns, model))}>Save Markdown</button>
        </div>
      </div>
    </details>`;
  }
}
