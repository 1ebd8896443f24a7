/** The loadable models that a search on the hub finds. */
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import type { HubMatch } from "../../api.ts";
import { searchHub } from "../engine.ts";
import { type Problem, problemOf } from "../logic/problem.ts";
import { base } from "./base.ts";
import { problemView } from "./problem-view.ts";

const COUNTS = new Intl.NumberFormat("en", { notation: "compact" });

export class HubSearch extends LitElement {
  static override properties = {
    words: { attribute: false },
    found: { state: true },
    problem: { state: true },
  };
  /** The words to search for; an empty text asks for nothing. */
  declare words: string;
  declare found: readonly HubMatch[] | undefined;
  declare problem: Problem | undefined;
  #searching = new AbortController();

  static override styles = [
    base,
    css`
      ul {
        max-height: 20rem;
        margin: 0;
        padding: 0;
        overflow-y: auto;
        list-style: none;
      }
      li {
        padding: 0.3rem 0;
        border-top: 1px solid var(--line);
      }
      .name {
        overflow-wrap: anywhere;
      }
    `,
  ];

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#searching.abort();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("words")) void this.#search();
  }

  override render() {
    if (!this.words) return nothing;
    if (this.problem)
      return problemView(
        this.problem,
        html`<div class="row"><button @click=${() => void this.#search()}>Try again</button></div>`,
      );
    if (!this.found) return html`<p class="card" role="status">Searching Hugging Face for “${this.words}” …</p>`;
    return html`<div class="card stack" role="status">
      <p>
        ${
          this.found.length === 0
            ? `Nothing on Hugging Face for “${this.words}” can be loaded here. Try a shorter name.`
            : `On Hugging Face for “${this.words}”:`
        }
      </p>
      <ul>
        ${this.found.map(({ source, downloads, gated }) => {
          const name = source.replace(/^hf:/, "");
          return html`<li class="row spread">
            <span class="name">${name} <span class="soft">${COUNTS.format(downloads)} downloads${gated ? ", needs an access token" : ""}</span></span>
            <button aria-label=${`Check ${name}`} @click=${() => this.#choose(name)}>Check</button>
          </li>`;
        })}
      </ul>
    </div>`;
  }

  async #search(): Promise<void> {
    this.#searching.abort();
    this.#searching = new AbortController();
    const { signal } = this.#searching;
    this.found = undefined;
    this.problem = undefined;
    if (!this.words) return;
    try {
      const found = await searchHub(this.words, { signal });
      if (!signal.aborted) this.found = found;
    } catch (error) {
      if (!signal.aborted) this.problem = problemOf(error);
    }
  }

  #choose(name: string): void {
    this.dispatchEvent(new CustomEvent<string>("check", { detail: name }));
  }
}
