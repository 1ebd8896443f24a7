/** The first screen: what the page is for, and example pictures that ask their questions. */
import { css, html, LitElement } from "lit";
import type { App } from "../logic/app.ts";
import { SAMPLES } from "../scene/samples.ts";
import { base } from "./base.ts";

export class Welcome extends LitElement {
  static override properties = { app: { attribute: false } };
  declare app: App;

  static override styles = [
    base,
    css`
      h2 {
        margin: 0 0 0.5rem;
        font-size: clamp(1.5rem, 5vw, 2.5rem);
        font-weight: 650;
        line-height: 1.15;
        letter-spacing: -0.025em;
        text-align: center;
        text-wrap: balance;
        color: var(--ink);
      }
      p {
        text-align: center;
      }
      ul {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr));
        gap: 0.75rem;
        margin: 1.5rem 0 0;
        padding: 0;
        list-style: none;
      }
      button {
        flex-direction: column;
        gap: 0;
        align-items: stretch;
        justify-content: flex-start;
        width: 100%;
        height: 100%;
        padding: 0;
        overflow: hidden;
        border-radius: 0.75rem;
        text-align: start;
      }
      img {
        display: block;
        width: 100%;
        height: auto;
        aspect-ratio: 4 / 3;
        object-fit: cover;
      }
      button span {
        padding: 0.5rem 0.7rem 0.6rem;
        font-size: 0.875rem;
        line-height: 1.35;
      }
      @media (max-width: 40rem) {
        ul {
          display: flex;
          margin-inline: -1rem;
          padding-inline: 1rem;
          overflow-x: auto;
          scroll-snap-type: x proximity;
        }
        li {
          flex: 0 0 9.5rem;
          scroll-snap-align: center;
        }
      }
    `,
  ];

  override render() {
    return html`<h2>Ask your pictures. Nothing leaves this computer.</h2>
      <p class="soft">Drop, paste or choose a picture, or try one of these.</p>
      <ul aria-label="Examples">
        ${SAMPLES.map(
          (sample) => html`<li>
            <button @click=${() => void this.app.ask(sample)}>
              <img src=${`samples/${sample.name}`} alt=${sample.title} width="448" height="448" />
              <span>${sample.question}</span>
            </button>
          </li>`,
        )}
      </ul>`;
  }
}
