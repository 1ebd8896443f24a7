/** The model at the top of the page: its name, filled as it loads. A press opens the choice of models. */
import { css, html, LitElement, nothing } from "lit";
import type { LoadProgress } from "../../api.ts";
import { byteText } from "../../element/wording.ts";
import type { ModelState } from "../logic/state.ts";
import { base } from "./base.ts";
import { openDialog } from "./dialogs.ts";

export class ModelPill extends LitElement {
  static override properties = { model: { attribute: false } };
  declare model: ModelState;

  static override styles = [
    base,
    css`
      button {
        position: relative;
        max-width: 100%;
        overflow: hidden;
        border-radius: 999px;
        isolation: isolate;
      }
      .fill {
        position: absolute;
        inset: 0;
        z-index: -1;
        transform-origin: left;
        background: var(--tint);
        transition: transform 0.2s;
      }
      :host(:dir(rtl)) .fill {
        transform-origin: right;
      }
      .name {
        overflow: hidden;
        font-weight: 600;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .chevron {
        width: 0.7rem;
        flex: none;
        fill: none;
        stroke: currentColor;
        stroke-width: 2;
      }
      @media (max-width: 40rem) {
        .soft {
          display: none;
        }
      }
    `,
  ];

  override render() {
    const { name, progress, info } = this.model;
    const share =
      progress?.stage === "weights" && progress.totalBytes > 0 ? progress.loadedBytes / progress.totalBytes : 0;
    return html`<button aria-haspopup="dialog" title=${info ? factsText(this.model) : "Choose a model"} @click=${() => openDialog(this, { kind: "models" })}>
      ${progress ? html`<span class="fill" .style.transform=${`scaleX(${share})`}></span>` : nothing}
      <span class="visually-hidden">Model: </span>
      <span class="name">${name || "Choose a model"}</span>
      ${progress ? html`<span class="soft">${progressText(progress)}</span>` : nothing}
      <svg class="chevron" viewBox="0 0 12 12" aria-hidden="true"><path d="m2 4 4 4 4-4"></path></svg>
    </button>`;
  }
}

function progressText({ stage, loadedBytes, totalBytes }: LoadProgress): string {
  return stage === "weights" ? `${byteText(loadedBytes)} of ${byteText(totalBytes)}` : "loading";
}

/** "llava, 3.6 million parameters · 14.6 MB on NVIDIA · 64 tokens per picture or tile". */
export function factsText({ info }: Pick<ModelState, "info">): string {
  if (!info) return "";
  if (info.server) return `runs on ${info.server.address}; questions and pictures are sent there`;
  return [
    `${info.family}, ${(info.parameters / 1e6).toFixed(1)} million parameters`,
    `${byteText(info.weightBytes)} on ${info.adapter || "the GPU"}`,
    info.imageTokens > 0 ? `${info.imageTokens} tokens per picture or tile` : "reads text only",
  ].join(" · ");
}
