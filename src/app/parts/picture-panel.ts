/** The picture beside the conversation: the view, its sliders, the pictures of the next question and how to add more. */
import { css, html, LitElement, nothing } from "lit";
import type { App } from "../logic/app.ts";
import type { PageState, View } from "../logic/state.ts";
import { type Viewed, viewedOf } from "../logic/viewing.ts";
import { SAMPLES } from "../scene/samples.ts";
import { base } from "./base.ts";
import { openDialog } from "./dialogs.ts";

export class PicturePanel extends LitElement {
  static override properties = { app: { attribute: false }, state: { attribute: false } };
  declare app: App;
  declare state: PageState;

  static override styles = [
    base,
    css`
      .thumbs {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .thumbs li {
        display: flex;
        align-items: stretch;
      }
      .thumb {
        padding: 0.2rem;
        border-radius: 0.5rem 0 0 0.5rem;
      }
      .thumb img {
        display: block;
        width: 2.4rem;
        height: 2.4rem;
        border-radius: 0.3rem;
        object-fit: cover;
      }
      .remove {
        min-width: 2rem;
        margin-left: -1px;
        padding: 0 0.4rem;
        border-radius: 0 0.5rem 0.5rem 0;
      }
      @media (pointer: coarse) {
        .hint {
          display: none;
        }
      }
      .sliders {
        display: grid;
        gap: 0.75rem;
      }
      @media (min-width: 40rem) {
        .sliders {
          grid-template-columns: 1fr 1fr;
        }
      }
    `,
  ];

  override render() {
    const viewed = viewedOf(this.state);
    const { notice } = this.state;
    return html`<section class="card stack" aria-labelledby="picture-heading">
      <div class="row spread">
        <h2 id="picture-heading">${viewed.image ? "What the model saw" : "Picture"}</h2>
        ${viewed.answer?.label ? html`<span class="soft">${viewed.answer.label}</span>` : nothing}
      </div>
      <app-picture-view .viewed=${viewed}></app-picture-view>
      ${this.#layers(viewed)} ${this.#sliders(viewed)} ${this.#which(viewed)} ${this.#draft()} ${this.#adding()}
      <p class="error" role="alert" ?hidden=${notice === ""}>${notice}</p>
    </section>`;
  }

  /** Tiles or overview, where a picture has both. */
  #layers({ layers, layer }: Viewed) {
    if (layers.length === 0) return nothing;
    return html`<div class="row" role="group" aria-label="Views of this picture">
      ${layers.map(
        (name, index) =>
          html`<button aria-pressed=${layer === index} @click=${() => this.#view({ tiles: index })}>${name}</button>`,
      )}
    </div>`;
  }

  #sliders({ image, stage, stages, answer, look }: Viewed) {
    if (!image) return nothing;
    const layers = answer?.attention?.layers ?? [];
    const { layer } = this.state.view;
    const ratio = layer === "all" ? undefined : layers[layer]?.ratio;
    return html`<div class="sliders">
      ${
        stages > 0
          ? html`<div class="slider">
              <label for="stage">Stage</label>
              <output for="stage">${stage === 0 ? "before" : `${stage} of ${stages}`}</output>
              <input id="stage" type="range" min="0" max=${stages} .value=${String(stage)} ?disabled=${look !== undefined}
                @input=${(event: Event) => this.#view({ stage: Number(inputValue(event)) })} />
            </div>`
          : nothing
      }
      ${
        layers.length > 0
          ? html`<div class="slider">
              <label for="layer">Layer of the gaze</label>
              <output for="layer">${layer === "all" ? "mean of all" : `${layer + 1} of ${layers.length}${ratio ? `, inhibits ${Math.round(ratio * 100)} %` : ""}`}</output>
              <input id="layer" type="range" min="0" max=${layers.length} .value=${String(layer === "all" ? 0 : layer + 1)}
                aria-valuetext=${layer === "all" ? "mean of all layers" : `layer ${layer + 1}`}
                @input=${(event: Event) => this.#view({ layer: Number(inputValue(event)) === 0 ? "all" : Number(inputValue(event)) - 1 })} />
            </div>`
          : nothing
      }
    </div>`;
  }

  /** Which picture of an answer is shown, where there are several. */
  #which({ answer }: Viewed) {
    const { of } = this.state.view;
    if (!answer || !("turn" in of) || answer.images.length < 2) return nothing;
    return html`<div class="row" role="group" aria-label="Pictures of this answer">
      ${answer.images.map(
        ({ picture }, image) =>
          html`<button aria-pressed=${of.image === image} @click=${() => this.#view({ of: { ...of, image } })}>
            ${picture.name}
          </button>`,
      )}
    </div>`;
  }

  #draft() {
    const { draft, view } = this.state;
    if (draft.length === 0) return nothing;
    return html`<ul class="thumbs" aria-label="Pictures of the next question">
      ${draft.map(
        ({ id, name, url, scene }, index) => html`<li>
          <button class="thumb" aria-pressed=${"draft" in view.of && view.of.draft === index}
            aria-label=${`Show ${name}`} @click=${() => this.#view({ of: { draft: index } })}>
            <img src=${url} alt="" />
          </button>
          ${scene ? html`<button class="remove" aria-label=${`Change ${name}`} @click=${() => openDialog(this, { kind: "scene", picture: id })}>✎</button>` : nothing}
          <button class="remove" aria-label=${`Remove ${name}`} @click=${() => this.app.pictures.remove(id)}>×</button>
        </li>`,
      )}
    </ul>`;
  }

  #adding() {
    return html`<div class="row">
        <button @click=${() => this.#pick(false)}>Choose a picture</button>
        <button @click=${() => this.#camera()}>Camera</button>
        <button @click=${() => openDialog(this, { kind: "scene" })}>Build a scene</button>
        <input id="file" type="file" accept="image/*" multiple hidden aria-label="Pictures" @change=${this.#take} />
        <input id="capture" type="file" accept="image/*" capture="environment" hidden aria-label="Photograph" @change=${this.#take} />
      </div>
      <div class="row" role="group" aria-label="Examples">
        <span class="soft">Examples:</span>
        ${SAMPLES.map((sample) => html`<button class="plain" @click=${() => void this.app.showSample(sample)}>${sample.title}</button>`)}
      </div>
      <p class="soft hint">Or drop or paste a picture anywhere.</p>`;
  }

  #view(change: Partial<View>): void {
    const { store } = this.app;
    store.set({ view: { ...store.state.view, ...change } });
  }

  #pick(camera: boolean): void {
    this.renderRoot.querySelector<HTMLInputElement>(camera ? "#capture" : "#file")!.click();
  }

  /** The camera of this machine, or where the browser has none to offer, the phone's own app for photographs. */
  #camera(): void {
    // Missing on pages that did not come over https, whatever its type says.
    if (navigator.mediaDevices) openDialog(this, { kind: "camera" });
    else this.#pick(true);
  }

  #take(event: Event): void {
    const input = event.target as HTMLInputElement;
    void this.app.pictures.addFiles([...(input.files ?? [])]);
    // So that the same file can be chosen again.
    input.value = "";
  }
}

function inputValue(event: Event): string {
  return (event.target as HTMLInputElement).value;
}
