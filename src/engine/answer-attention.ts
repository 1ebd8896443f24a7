/** Collects the attention of an answer's tokens to the pictures while it is generated, for overlays and research. */
import type { AnswerAttention } from "../api.ts";
import type { Arena } from "../gpu/arena.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Inhibitor } from "../model/inhibition/inhibitor.ts";
import { InhibitionRecord } from "../model/inhibition/record.ts";

/** Watches one answer. Frees its memory on `dispose`. */
export class AnswerWatch {
  readonly #ends: number[] = [];
  #arena: Arena | undefined;
  #record: InhibitionRecord | undefined;
  #textLength = 0;

  /**
   * Starts at the prompt's last row, which chooses the first token, and again on a new GPU, which reruns the tokens so
   * far. Never called without images.
   */
  watch(gpu: Gpu, inhibitor: Inhibitor): void {
    this.dispose();
    this.#arena = gpu.arena.scope();
    this.#record = new InhibitionRecord(gpu, this.#arena, inhibitor);
  }

  /** Notes a token, before its text. */
  addToken(): void {
    this.#ends.push(this.#textLength);
  }

  /** Notes text that the last token made final. */
  addText(text: string): void {
    this.#textLength += text.length;
    this.#ends[this.#ends.length - 1] = this.#textLength;
  }

  /** @param promptRows rows before the answer */
  async read(promptRows: number): Promise<AnswerAttention> {
    const tokens = this.#ends.length;
    const layers = (await this.#record?.read(promptRows - 1 + tokens)) ?? [];
    return {
      ends: Uint32Array.from(this.#ends),
      layers: layers.map(({ layer, ratio, focus: { data, cols }, inhibited }) => ({
        layer,
        ratio,
        focus: { data: data.slice(data.length - tokens * cols), rows: tokens, cols },
        inhibited: inhibited.slice(inhibited.length - tokens * cols),
      })),
    };
  }

  dispose(): void {
    this.#arena?.dispose();
  }
}
