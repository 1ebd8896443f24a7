/** More ways to a picture, in the element's form: the camera, a screen or window, a scene of emoji. */
import { css, html, LitElement, nothing } from "lit";
import type { App } from "../logic/app.ts";
import { takeScreenshot } from "../logic/screenshot.ts";
import { base } from "./base.ts";
import { type DialogRequest, openDialog } from "./dialogs.ts";

export class AttachMenu extends LitElement {
  static override properties = { app: { attribute: false } };
  declare app: App;

  static override styles = [
    base,
    css`
      :host {
        position: relative;
      }
      .toggle {
        width: 2.5rem;
        padding: 0;
        border-color: transparent;
        border-radius: 999px;
        background: none;
      }
      svg {
        width: 1.25rem;
        fill: none;
        stroke: currentColor;
        stroke-width: 1.9;
        stroke-linecap: round;
      }
      [popover] {
        inset: auto;
        margin: 0 0 0.5rem;
        padding: 0.35rem;
        border: 1px solid var(--edge);
        border-radius: 0.75rem;
        background: var(--card);
        color: var(--ink);
        box-shadow: var(--shadow);
      }
      [popover] button {
        display: flex;
        justify-content: flex-start;
        width: 100%;
        border-color: transparent;
      }
      @media (pointer: coarse) {
        .toggle {
          width: 2.75rem;
          min-height: 2.75rem;
        }
      }
    `,
  ];

  override render() {
    return html`<button class="toggle" aria-label="More ways to add a picture" title="More ways to add a picture" popovertarget="menu">
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 5v14M5 12h14"></path></svg>
      </button>
      <div id="menu" popover @toggle=${this.#place}>
        <button @click=${() => this.#open({ kind: "camera" })}>Camera</button>
        ${
          // Missing on phones.
          "getDisplayMedia" in (navigator.mediaDevices ?? {})
            ? html`<button @click=${() => void this.#screen()}>Screen or window</button>`
            : nothing
        }
        <button @click=${() => this.#open({ kind: "scene" })}>Build a scene</button>
      </div>`;
  }

  get #menu(): HTMLElement {
    return this.renderRoot.querySelector<HTMLElement>("#menu")!;
  }

  /** Above its button: a popover lies in the top layer, without a place of its own. */
  #place = (event: ToggleEvent): void => {
    if (event.newState !== "open") return;
    const { left, top } = this.getBoundingClientRect();
    const { style, offsetWidth } = this.#menu;
    style.left = `${Math.max(8, Math.min(left, innerWidth - offsetWidth - 8))}px`;
    style.bottom = `${innerHeight - top}px`;
  };

  #open(request: DialogRequest): void {
    this.#menu.hidePopover();
    openDialog(this, request);
  }

  async #screen(): Promise<void> {
    this.#menu.hidePopover();
    const file = await takeScreenshot();
    if (file) this.app.chat.attach([file]);
  }
}
