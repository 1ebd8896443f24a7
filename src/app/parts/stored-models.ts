/** The stored models: sizes, load, delete. */
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import type { StoredModel } from "../../api.ts";
import { byteText } from "../../element/wording.ts";
import { originalOf, shownSource } from "../../shared/small-copy.ts";
import { deleteStoredModel, storedModels } from "../engine.ts";
import type { CopyState } from "../logic/state.ts";
import { base } from "./base.ts";

export class StoredModels extends LitElement {
  static override properties = { models: { state: true }, copy: { attribute: false } };
  /** Changes when a small copy is made or its original deleted; the list is read again then. */
  declare copy: CopyState | undefined;
  declare models: StoredModel[] | undefined;

  static override styles = [
    base,
    css`
      ul {
        display: grid;
        gap: 0.5rem;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .name {
        overflow-wrap: anywhere;
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#list();
  }

  override render() {
    const { models = [] } = this;
    if (models.length === 0) return nothing;
    return html`<div class="card stack">
      <h3>Downloaded</h3>
      <ul>
        ${models.map(({ source, bytes, complete }) => {
          const name = shownSource(source) || "an unknown model";
          const isSmall = originalOf(source) !== undefined;
          return html`<li class="row spread">
            <span class="name">${name} <span class="soft">${byteText(bytes)}${complete ? "" : ", incomplete"}${isSmall ? ", a small copy" : ""}</span></span>
            <span class="row">
              ${
                source && (isSmall ? complete : !source.endsWith("]"))
                  ? html`<button aria-label=${`${complete ? "Load" : "Resume"} ${name}`} @click=${() => this.#load(source)}>
                      ${complete ? "Load" : "Resume"}
                    </button>`
                  : nothing
              }
              <button aria-label=${`Delete ${name}`} @click=${() => void this.#delete(source)}>Delete</button>
            </span>
          </li>`;
        })}
      </ul>
    </div>`;
  }

  override updated(changed: PropertyValues<this>): void {
    const before = changed.get("copy");
    if (changed.has("copy") && before && this.copy?.state !== "running") void this.#list();
  }

  async #list(): Promise<void> {
    this.models = await storedModels();
  }

  #load(source: string): void {
    this.dispatchEvent(new CustomEvent<string>("load-stored", { detail: source }));
  }

  async #delete(source: string): Promise<void> {
    await deleteStoredModel(source);
    await this.#list();
  }
}
