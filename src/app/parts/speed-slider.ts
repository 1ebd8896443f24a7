/** One slider for people: from quality to speed, in four stops of image tokens. */
import { css, html, LitElement, nothing } from "lit";
import type { App } from "../logic/app.ts";
import { budgetPercent } from "../logic/settings.ts";
import type { PageState } from "../logic/state.ts";
import { base } from "./base.ts";

/** Shares of the image tokens, from quality to speed. */
const STOPS = [1, 1 / 2, 1 / 4, 1 / 8];
const NAMES = ["all image tokens", "half of the tokens", "a quarter of the tokens", "an eighth of the tokens"];

export class SpeedSlider extends LitElement {
  static override properties = { app: { attribute: false }, state: { attribute: false } };
  declare app: App;
  declare state: PageState;

  static override styles = [
    base,
    css`
      div {
        display: grid;
        grid-template-columns: auto minmax(4rem, 9rem) auto 1fr;
        gap: 0.6rem;
        align-items: center;
        font-size: 0.875rem;
      }
      input {
        min-height: 2.75rem;
      }
      output {
        white-space: nowrap;
      }
      @media (max-width: 40rem) {
        div {
          grid-template-columns: auto 1fr auto;
        }
        output {
          display: none;
        }
      }
    `,
  ];

  override render() {
    const { settings, model } = this.state;
    if (model.info && model.info.imageTokens === 0) return nothing;
    const { budget } = settings;
    const stop = STOPS.reduce(
      (best, share, i) => (Math.abs(share - budget) < Math.abs(STOPS[best]! - budget) ? i : best),
      0,
    );
    const text = STOPS.includes(budget) ? NAMES[stop]! : `${budgetPercent(settings)} % of the tokens`;
    return html`<div>
      <span id="quality">Quality</span>
      <input type="range" min="0" max=${STOPS.length - 1} step="1" .value=${String(stop)} aria-label="Quality to speed" aria-valuetext=${text}
        @input=${(event: Event) => this.app.set({ budget: STOPS[Number((event.target as HTMLInputElement).value)]! })} />
      <span>Speed</span>
      <output>${text}</output>
    </div>`;
  }
}
