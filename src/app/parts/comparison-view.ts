/** The last question with and without compression and inhibition, side by side, and the verdict. */
import { html, nothing, type TemplateResult } from "lit";
import { durationText } from "../../element/wording.ts";
import type { Comparison, Side } from "../logic/state.ts";

export function comparisonView({ state, text, sides }: Comparison): TemplateResult {
  return html`<div class="stack comparison">
    <p role="status">${state === "done" ? html`<strong>${text}</strong>` : text}${state === "running" ? " …" : ""}</p>
    ${sides.length > 0 ? html`<div class="sides">${sides.map(sideView)}</div>` : nothing}
  </div>`;
}

function sideView({ label, text, stats }: Side): TemplateResult {
  const { imageTokensBefore: before, imageTokensAfter: after, timeToFirstTokenMs, visionMs, prefillMs } = stats;
  return html`<section aria-label=${label}>
    <h3>${label}</h3>
    <p dir="auto">${text}</p>
    <p class="soft">${after} of ${before} image tokens · first word after ${durationText(timeToFirstTokenMs)} (vision ${durationText(visionMs)}, prefill ${durationText(prefillMs)})</p>
  </section>`;
}
