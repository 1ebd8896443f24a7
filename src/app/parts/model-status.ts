/** The model at the top of the page: its name, the progress of its load, its error. */
import { css, html, LitElement, nothing } from "lit";
import { byteText, durationText } from "../../element/wording.ts";
import type { App } from "../logic/app.ts";
import type { ModelState } from "../logic/state.ts";
import { base } from "./base.ts";
import { openDialog } from "./dialogs.ts";
import { problemView } from "./problem-view.ts";

export class ModelStatus extends LitElement {
  static override properties = { app: { attribute: false }, model: { attribute: false } };
  declare app: App;
  declare model: ModelState;

  static override styles = [
    base,
    css`
      .progress {
        flex: 1 1 12rem;
      }
      @media (max-width: 40rem) {
        .detail {
          display: none;
        }
      }
      .warnings {
        margin: 0;
        padding-inline-start: 1.2em;
        font-size: 0.9em;
        overflow-wrap: anywhere;
      }
      .name {
        font-weight: 600;
        overflow-wrap: anywhere;
      }
    `,
  ];

  override render() {
    const { phase, problem } = this.model;
    return html`<section class="card stack" aria-label="Model">
      <div class="row spread">
        <p role="status">${this.#text()}</p>
        <div class="row">
          ${this.#controls()}
          <button aria-haspopup="dialog" @click=${() => openDialog(this, { kind: "models" })}>Models</button>
        </div>
      </div>
      ${phase === "loading" ? this.#progress() : nothing}
      ${problem ? problemView(problem) : nothing}
      ${phase === "ready" ? this.#warnings() : nothing}
    </section>`;
  }

  #controls() {
    const { models } = this.app;
    const { phase, source, progress, problem } = this.model;
    const again = (text: string) => html`<button @click=${() => void models.reload()}>${text}</button>`;
    const end = html`<button @click=${() => models.cancel()}>Cancel</button>`;
    if (phase === "paused") return [again("Resume"), end];
    if (phase === "failed" && problem?.code === "no-room")
      return html`<button @click=${() => void models.reload({ cache: "none" })}>Load without storing</button>`;
    if (phase === "failed") return again("Try again");
    if (phase !== "loading") return nothing;
    // Only a download can be resumed.
    const isDownload = typeof source === "string" && progress?.stage === "weights";
    return [isDownload ? html`<button @click=${() => models.pause()}>Pause</button>` : nothing, end];
  }

  #text() {
    const { phase, name, info, waiting, progress } = this.model;
    const title = html`<span class="name">${name}</span>`;
    if (waiting) return html`${title} <span class="soft">is waiting for another tab that uses the GPU.</span>`;
    if (phase === "loading") return html`${title} <span class="soft">is loading.</span>`;
    if (phase === "paused") {
      const { loadedBytes = 0, totalBytes = 0 } = progress ?? {};
      return html`${title} <span class="soft">is paused at ${byteText(loadedBytes)} of ${byteText(totalBytes)}; downloaded parts are kept.</span>`;
    }
    if (phase !== "ready" || !info) return "No model loaded.";
    const parts = [
      `${info.family}, ${(info.parameters / 1e6).toFixed(1)} million parameters`,
      `${byteText(info.weightBytes)} on ${info.adapter || "the GPU"}`,
      info.imageTokens > 0 ? `${info.imageTokens} tokens per picture or tile` : "reads text only",
    ];
    return html`${title} <span class="soft detail">${parts.join(" · ")}</span>`;
  }

  #warnings() {
    const { warnings = [] } = this.model.info ?? {};
    return warnings.length === 0
      ? nothing
      : html`<ul class="warnings" aria-label="Warnings">${warnings.map((text) => html`<li>${text}</li>`)}</ul>`;
  }

  #progress() {
    const { progress, bytesPerSecond } = this.model;
    const { stage = "config", loadedBytes = 0, totalBytes = 0 } = progress ?? {};
    if (stage !== "weights")
      return html`<div class="row">
        <progress class="progress" aria-label="Loading"></progress>
        <span class="soft">${stage === "config" ? "Reading the model’s settings" : "Compiling shaders"}</span>
      </div>`;
    const leftMs = bytesPerSecond > 0 ? (1000 * (totalBytes - loadedBytes)) / bytesPerSecond : undefined;
    const parts = [
      `${byteText(loadedBytes)} of ${byteText(totalBytes)}`,
      ...(leftMs === undefined ? [] : [`${byteText(bytesPerSecond)} per second`, `${durationText(leftMs)} left`]),
    ];
    return html`<div class="row">
      <progress class="progress" max="1" .value=${loadedBytes / Math.max(1, totalBytes)} aria-label="Loading"></progress>
      <span class="soft">${parts.join(" · ")}</span>
    </div>`;
  }
}
