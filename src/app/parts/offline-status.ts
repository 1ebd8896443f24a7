/** Says if the page works offline, and if an update is ready. */
import { css, html, LitElement, nothing } from "lit";
import type { App } from "../logic/app.ts";
import type { PageState } from "../logic/state.ts";
import { base } from "./base.ts";

export class OfflineStatus extends LitElement {
  static override properties = { app: { attribute: false }, state: { attribute: false } };
  declare app: App;
  declare state: PageState;

  static override styles = [base, css`p { display: inline; }`];

  override render() {
    const { offline, model } = this.state;
    const isModelKept = model.phase === "ready" && model.kept;
    return html`<div class="row" role="status">
      ${offline === "ready" ? html`<p>This page works offline${isModelKept ? ", model included" : ""}.</p>` : nothing}
      ${
        offline === "update"
          ? html`<p>An update is ready.</p>
              <button @click=${() => this.app.update()}>Reload to update</button>`
          : nothing
      }
    </div>`;
  }
}
