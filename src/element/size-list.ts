/** The sizes of a model: its quantisations with their bytes, and whether they fit this device. A press loads one. */
import { html, nothing, type TemplateResult } from "lit";
import type { ModelFit, ModelPlan } from "../api.ts";
import { byteText, errorSentence } from "./wording.ts";

/** The calls that the list makes. */
export interface SizeListOwner {
  /** Looks at the model. */
  look(signal: AbortSignal): Promise<ModelPlan>;
  onChange(): void;
  /** The user chose a file. */
  onChoice(file: string): void;
}

const FIT: Readonly<Record<ModelFit, string>> = { fits: "fits", tight: "tight", "too-large": "too large" };

export class SizeList {
  readonly #owner: SizeListOwner;
  readonly #looking = new AbortController();
  #plan: ModelPlan | undefined;
  #error: unknown;

  /** Begins to look. */
  constructor(owner: SizeListOwner) {
    this.#owner = owner;
    void this.#look();
  }

  /** Ends the look. Nothing is told any more. */
  stop(): void {
    this.#looking.abort();
  }

  render(): TemplateResult {
    return html`<div class="status sizes" part="status sizes" role="group" aria-label="Sizes of this model">
      <p class="status-text" part="status-text" role="status">${this.#text()}</p>
      ${(this.#plan?.variants ?? []).map((variant) => this.#button(variant))}
    </div>`;
  }

  async #look(): Promise<void> {
    const { signal } = this.#looking;
    try {
      this.#plan = await this.#owner.look(signal);
    } catch (error) {
      this.#error = error;
    }
    if (!signal.aborted) this.#owner.onChange();
  }

  #text(): string {
    if (this.#error !== undefined) return errorSentence(this.#error);
    if (!this.#plan) return "Looking at the model";
    const { downloadBytes, gpu, fit, variants = [] } = this.#plan;
    if (variants.length > 1) return "Whether a size fits this device is a guess. Choose one to load it.";
    const size = downloadBytes > 0 ? `${byteText(downloadBytes)} to download` : "Already downloaded";
    const memory = `about ${byteText(gpu.totalBytes + gpu.pictureBytes)} of GPU memory`;
    return `One size: ${size}, ${memory}${fit ? `: ${FIT[fit]}` : ""}.`;
  }

  #button({ name, file, bytes, fit }: NonNullable<ModelPlan["variants"]>[number]): TemplateResult | typeof nothing {
    const { files, variants } = this.#plan!;
    if (variants!.length < 2) return nothing;
    const isChosen = files.some((one) => one.name === file);
    const text = [name, byteText(bytes), ...(fit ? [FIT[fit]] : [])].join(", ");
    return html`<button class=${isChosen ? "button filled" : "button"} part="button size" type="button" aria-pressed=${isChosen} title=${file}
      @click=${() => this.#owner.onChoice(file)}>${text}</button>`;
  }
}
