/** A problem: what happened, the next step, and the engine's own words, folded away where they say more. */
import { html, nothing, type TemplateResult } from "lit";
import type { Problem } from "../logic/problem.ts";

/** @param actions buttons for the next step */
export function problemView({ message, next, details }: Problem, actions: unknown = nothing): TemplateResult {
  return html`<div class="error stack" role="alert" dir="auto">
    <p><strong>${message}</strong> ${next}</p>
    ${details ? html`<details><summary>Details</summary><p>${details}</p></details>` : nothing}
    ${actions}
  </div>`;
}
