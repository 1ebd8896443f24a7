/** Says if the page works offline, and if an update is ready. */
import { css, html, LitElement, nothing } from "lit";
import type { App } from "../logic/app.ts";
import type { PageState } from "../logic/state.ts";
import { base } from "./base.ts";

export class OfflineStatus extends LitElement {
  static override properties = { app: { attribute: false }, state: { attribute: false } };
  declare app: App;
  declare state: PageState;

  static override styles = [
    base,
    css`
      div {
        font-size: 0.8125rem;
      }
      a {
        color: inherit;
      }
      @media (pointer: coarse) {
        a {
          padding-block: 0.8rem;
        }
      }
    `,
  ];

  override render() {
    const { offline, model } = this.state;
    const isModelKept = model.info !== undefined && model.isKept;
    return html`<div class="row">
      <span role="status">
        ${offline === "ready" ? `Works offline${isModelKept ? ", model included" : ""}.` : nothing}
        ${offline === "update" ? html`An update is ready. <button @click=${() => this.app.update()}>Reload to update</button>` : nothing}
      </span>
      <a href="bench.html" target="_blank">Measure this GPU</a>
    </div>`;
  }
}
