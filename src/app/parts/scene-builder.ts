/** The scene builder: emoji placed, moved, turned and scaled on a background, by pointer or keyboard. */
import { css, html, LitElement, nothing, type PropertyValues, svg } from "lit";
import { drawScene, drawsInColour, pictureOf, SCENE_SIDE } from "../scene/draw.ts";
import {
  BACKGROUNDS,
  freePlace,
  KINDS,
  type Kind,
  kindNamed,
  MAX_THINGS,
  placeText,
  type Scene,
  SIZES,
  sceneText,
  type Thing,
  thing,
} from "../scene/scene.ts";
import { base } from "./base.ts";

/** A finished scene and its picture. */
export interface SceneEvent {
  scene: Scene;
  blob: Blob;
}

const FIRST: Scene = { background: "grass", things: [] };
const NEW_SIZE = 0.3;

export class SceneBuilder extends LitElement {
  static override properties = { scene: { attribute: false }, chosen: { state: true }, hasEmoji: { attribute: false } };
  declare scene: Scene;
  /** True if this computer can draw the things. */
  declare hasEmoji: boolean;
  /** The thing that the controls change. */
  declare chosen: number | undefined;

  static override styles = [
    base,
    css`
      .board {
        position: relative;
        width: min(100%, 24rem);
        margin: 0 auto;
      }
      canvas,
      .board svg {
        display: block;
        width: 100%;
        aspect-ratio: 1;
        border-radius: 0.5rem;
      }
      .board svg {
        position: absolute;
        inset: 0;
        touch-action: none;
      }
      .handle {
        fill: transparent;
        cursor: grab;
      }
      .handle.chosen {
        stroke: #fff;
        stroke-width: 0.006;
        stroke-dasharray: 0.02 0.012;
      }
      .handle:focus-visible {
        outline: none;
        stroke: #fff;
        stroke-width: 0.014;
        paint-order: stroke;
        filter: drop-shadow(0 0 0.01px #000) drop-shadow(0 0 0.01px #000);
      }
      .palette {
        display: flex;
        flex-wrap: wrap;
        gap: 0.15rem;
        max-height: 11rem;
        margin: 0;
        padding: 0.3rem;
        overflow-y: auto;
        border: 1px solid var(--line);
        border-radius: 0.5rem;
        background: var(--card);
      }
      .palette button {
        min-width: 2.5rem;
        padding: 0.1rem;
        font-size: 1.4rem;
        line-height: 1.6;
      }
      .controls {
        display: grid;
        gap: 0.6rem 1rem;
        grid-template-columns: repeat(auto-fit, minmax(min(10rem, 100%), 1fr));
        align-items: end;
      }
    `,
  ];

  constructor() {
    super();
    this.scene = FIRST;
    this.hasEmoji = drawsInColour(KINDS[0]!.emoji);
  }

  override render() {
    const { background, things } = this.scene;
    const isFull = things.length >= MAX_THINGS;
    if (!this.hasEmoji)
      return html`<p>This computer has no font with coloured emoji, so scenes cannot be drawn here.
        On Debian and Ubuntu, <code>apt install fonts-noto-color-emoji</code> adds one. Then start the browser again.</p>`;
    return html`<div class="stack">
      <div class="board">
        <canvas width=${SCENE_SIDE} height=${SCENE_SIDE} role="img" aria-label=${sceneText(this.scene)}></canvas>
        <svg viewBox="0 0 1 1" role="group" aria-label="Things of the scene">
          ${things.map((one) => this.#handle(one))}
        </svg>
      </div>
      <div class="row" role="group" aria-label="Background">
        ${BACKGROUNDS.map(
          (name) =>
            html`<button aria-pressed=${name === background} @click=${() => this.#set({ ...this.scene, background: name })}>${name}</button>`,
        )}
      </div>
      ${this.#controls()}
      <p class="soft" id="palette-hint">${isFull ? `A scene holds ${MAX_THINGS} things; remove one to add another.` : "Press one to add it. Then drag it, or use arrow keys to move, + and − to scale, [ and ] to turn, Delete to remove."}</p>
      <div class="palette" role="group" aria-label="Things to add" aria-describedby="palette-hint">
        ${KINDS.map((kind) => html`<button class="plain" ?disabled=${isFull} aria-label=${kind.name} title=${kind.name} @click=${() => this.#add(kind)}>${kind.emoji}</button>`)}
      </div>
      <div class="row">
        <button class="primary" ?disabled=${things.length === 0} @click=${() => this.#finish()}>Use this scene</button>
        <button ?disabled=${things.length === 0} @click=${() => this.#set({ ...this.scene, things: [] })}>Clear</button>
      </div>
    </div>`;
  }

  #handle(one: Thing) {
    const { id, kind, x, y, size } = one;
    const isChosen = id === this.chosen;
    return svg`<circle
      class=${isChosen ? "handle chosen" : "handle"}
      data-id=${id}
      cx=${x} cy=${y} r=${size / 2}
      tabindex="0" role="button" aria-pressed=${isChosen}
      aria-label=${`${kind.name} ${placeText(one)}`}
      @focus=${() => this.#choose(id)}
      @pointerdown=${(event: PointerEvent) => this.#grab(event, id)}
      @pointermove=${(event: PointerEvent) => this.#drag(event, id)}
      @keydown=${(event: KeyboardEvent) => this.#key(event, one)}
    ></circle>`;
  }

  #controls() {
    const one = this.scene.things.find(({ id }) => id === this.chosen);
    if (!one) return nothing;
    const slider = (name: "size" | "angle", label: string, min: number, max: number, step: number, text: string) =>
      html`<div class="slider">
        <label for=${name}>${label}</label>
        <output for=${name}>${text}</output>
        <input id=${name} type="range" min=${min} max=${max} step=${step} .value=${String(one[name])}
          @input=${(event: Event) => this.#change(one.id, { [name]: Number((event.target as HTMLInputElement).value) })} />
      </div>`;
    return html`<div class="controls">
      ${slider("size", `Size of the ${one.kind.name}`, SIZES.min, SIZES.max, 0.01, `${Math.round(100 * one.size)} %`)}
      ${slider("angle", "Rotation", -180, 180, 5, `${Math.round(one.angle)}°`)}
      <div><button @click=${() => this.#remove(one.id)}>Remove the ${one.kind.name}</button></div>
    </div>`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has("scene") || !this.hasEmoji) return;
    drawScene(this.renderRoot.querySelector("canvas")!.getContext("2d")!, this.scene);
  }

  #set(scene: Scene): void {
    this.scene = scene;
  }

  #choose(id: number): void {
    this.chosen = id;
  }

  #add(kind: Kind): void {
    const added = thing(kindNamed(kind.name), { ...freePlace(this.scene, NEW_SIZE), size: NEW_SIZE, angle: 0 });
    this.#set({ ...this.scene, things: [...this.scene.things, added] });
    this.#choose(added.id);
  }

  #remove(id: number): void {
    this.#set({ ...this.scene, things: this.scene.things.filter((one) => one.id !== id) });
    this.chosen = undefined;
    this.renderRoot.querySelector<HTMLElement>(".palette button")?.focus();
  }

  /** Keeps things inside the picture, and sizes inside the model's range. */
  #change(id: number, change: Partial<Pick<Thing, "x" | "y" | "size" | "angle">>): void {
    const within = (value: number, min: number, max: number) => Math.min(max, Math.max(min, value));
    const things = this.scene.things.map((one) => {
      if (one.id !== id) return one;
      const { x, y, size, angle } = { ...one, ...change };
      const turned = ((((angle + 180) % 360) + 360) % 360) - 180;
      return {
        ...one,
        x: within(x, 0, 1),
        y: within(y, 0, 1),
        size: within(size, SIZES.min, SIZES.max),
        angle: turned,
      };
    });
    this.#set({ ...this.scene, things });
  }

  #grab(event: PointerEvent, id: number): void {
    (event.currentTarget as SVGElement).setPointerCapture(event.pointerId);
    this.#choose(id);
  }

  #drag({ currentTarget, pointerId, movementX, movementY }: PointerEvent, id: number): void {
    const handle = currentTarget as SVGElement;
    const one = this.scene.things.find((found) => found.id === id);
    if (!one || !handle.hasPointerCapture(pointerId)) return;
    const { width } = handle.ownerSVGElement!.getBoundingClientRect();
    this.#change(id, { x: one.x + movementX / width, y: one.y + movementY / width });
  }

  #key(event: KeyboardEvent, { id, x, y, size, angle }: Thing): void {
    const step = event.shiftKey ? 0.1 : 0.02;
    const changes: Record<string, Partial<Thing>> = {
      ArrowLeft: { x: x - step },
      ArrowRight: { x: x + step },
      ArrowUp: { y: y - step },
      ArrowDown: { y: y + step },
      "+": { size: size * 1.08 },
      "=": { size: size * 1.08 },
      "-": { size: size / 1.08 },
      "[": { angle: angle - 10 },
      "]": { angle: angle + 10 },
    };
    const change = changes[event.key];
    if (change) this.#change(id, change);
    else if (event.key === "Delete" || event.key === "Backspace") this.#remove(id);
    else return;
    event.preventDefault();
  }

  async #finish(): Promise<void> {
    const { scene } = this;
    const detail: SceneEvent = { scene, blob: await pictureOf(scene) };
    this.dispatchEvent(new CustomEvent<SceneEvent>("scene", { detail }));
  }
}
