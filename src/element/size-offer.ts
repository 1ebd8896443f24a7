/**
 * The offer of a model's sizes before it is loaded: a button, and the list that it opens. size-list.ts comes with the
 * first press.
 */
import { html, nothing, type TemplateResult } from "lit";
import { splitChoice } from "../shared/source.ts";
import { droppedName } from "./dropped-model.ts";
import type { ModelPlanner } from "./engines.ts";
import type { SizeList } from "./size-list.ts";

/** An element as far as the choice of a size is concerned. */
export interface Sized {
  model: string | null;
  load(): Promise<unknown>;
  requestUpdate(): void;
}

/** The state that the element shows. */
interface SizeLook {
  button: TemplateResult | typeof nothing;
  list: TemplateResult | typeof nothing;
}

const NOTHING: SizeLook = { button: nothing, list: nothing };

export class SizeOffer {
  readonly #element: Sized;
  /** The folder whose sizes are shown. */
  #folder: string | undefined;
  #list: SizeList | undefined;

  constructor(element: Sized) {
    this.#element = element;
  }

  /**
   * Offers nothing for a model that is loaded, runs on a server, or lies at an address. Only a hub and the user's files
   * have several sizes under one name.
   *
   * @param plan looks at a model; without it nothing is offered
   */
  look(source: string | undefined, isReady: boolean, plan: ModelPlanner | undefined): SizeLook {
    const folder = source && (source.startsWith("hf:") ? splitChoice(source).folder : droppedName(source));
    if (!folder || isReady || folder !== this.#folder) this.#drop();
    if (!folder || isReady || !plan) return NOTHING;
    const toggle = () => (this.#folder ? this.close() : void this.#open(folder, source, plan));
    const isOpen = this.#folder !== undefined;
    return {
      button: html`<button class="button" part="button sizes-button" type="button" aria-expanded=${isOpen} @click=${toggle}>Sizes</button>`,
      list: this.#list?.render() ?? nothing,
    };
  }

  close(): void {
    if (this.#folder === undefined) return;
    this.#drop();
    this.#element.requestUpdate();
  }

  #drop(): void {
    this.#folder = undefined;
    this.#list?.stop();
    this.#list = undefined;
  }

  async #open(folder: string, source: string, plan: ModelPlanner): Promise<void> {
    this.#folder = folder;
    this.#element.requestUpdate();
    const { SizeList } = await import("./size-list.ts");
    if (this.#folder !== folder || this.#list) return;
    this.#list = new SizeList({
      look: (signal) => plan(source, { signal }),
      onChange: () => this.#element.requestUpdate(),
      onChoice: (file) => {
        this.close();
        this.#element.model = `${folder}:${file}`;
        // An error is shown, and told by an event.
        this.#element.load().catch(() => {});
      },
    });
  }
}
