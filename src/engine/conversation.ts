/**
 * What the KV cache holds from one question to the next: a prompt that begins as the last conversation did only runs
 * what is new in it. Which pictures are encoded anew is another matter (image-cache.ts).
 */
import type { Inhibition } from "../api.ts";
import type { Gpu } from "../gpu/device.ts";
import { Cmai } from "../model/cmai.ts";
import type { Decoder } from "../model/decoder.ts";
import { isOff, planInhibition } from "../model/inhibition.ts";
import type { Prompt, PromptImage } from "../model/prompt.ts";
import type { Sequence } from "../model/sequence.ts";

/** Rows of the cache; as in a prompt. */
interface CachedRows {
  ids: number[];
  positions: number[];
  images: readonly PromptImage[];
  /** Inhibition that they were made under: keys and values of all layers but the first depend on it. */
  plan: string;
}

export interface ConversationPrefill {
  inhibition: Inhibition;
  /** Tokens that may be generated after the prompt. */
  maxTokens: number;
  signal: AbortSignal;
  /** Handed the inhibition of the prompt's images before it runs, and focus is then worked out in every layer. */
  onInhibition?: ((cmai: Cmai) => void) | undefined;
}

export class Conversation {
  readonly #gpu: Gpu;
  readonly #decoder: Decoder;
  readonly #sequence: Sequence;
  readonly #contextLength: number;
  #cached: CachedRows | undefined;
  #cmai: Cmai | undefined;

  constructor(gpu: Gpu, decoder: Decoder, sequence: Sequence, contextLength: number) {
    this.#gpu = gpu;
    this.#decoder = decoder;
    this.#sequence = sequence;
    this.#contextLength = contextLength;
  }

  /**
   * Runs a prompt as far as the cache does not have it. Returns how many of its rows were there. Throws as
   * `Sequence.prefill`, and FoveaError `out-of-memory`; nothing is kept then.
   */
  async prefill(prompt: Prompt, options: ConversationPrefill): Promise<number> {
    try {
      return await this.#prefill(prompt, options);
    } catch (error) {
      this.reset();
      throw error;
    }
  }

  async #prefill(prompt: Prompt, options: ConversationPrefill): Promise<number> {
    const { inhibition, maxTokens, signal, onInhibition } = options;
    const watch = onInhibition !== undefined;
    this.#sequence.assertFits(prompt.ids.length);
    const plan = planInhibition(inhibition, this.#decoder.config);
    const planKey = JSON.stringify({ ...plan, watch });
    const cached = this.#cached?.plan === planKey ? this.#cached : undefined;
    this.#cached = undefined;
    let keep = cached ? sharedRows(cached, prompt) : 0;

    if ((isOff(plan) && !watch) || prompt.images.length === 0) {
      this.#dropInhibition();
    } else {
      const images = prompt.images.map(({ row, tokens }) => ({ row, tokens: tokens.shape[0]! }));
      const rows = Math.min(prompt.ids.length + maxTokens, this.#contextLength);
      const kept = cached?.images.every((image) => endOf(image) <= keep) ? this.#cmai : undefined;
      if (!kept) this.#dropInhibition();
      // Rows behind an image have paid attention to it that a new record does not know.
      if (!kept && images.some(({ row }) => row < keep)) keep = 0;
      await this.#gpu.guardMemory("attention inhibition of this conversation", () => {
        if (kept) kept.extend({ images, rows });
        else this.#cmai = new Cmai(this.#gpu, this.#gpu.arena, this.#decoder, plan, { images, rows, watch });
      });
      onInhibition?.(this.#cmai!);
    }
    await this.#sequence.prefill(prompt, { signal, keep, inhibition: this.#cmai });
    this.#cached = {
      ids: [...prompt.ids],
      positions: [...prompt.positions],
      images: prompt.images,
      plan: planKey,
    };
    return keep;
  }

  /** Notes the tokens of the answer, whose rows are in the cache as far as they were run. */
  append(ids: readonly number[], nextPosition: number): void {
    if (!this.#cached) return;
    const room = Math.max(0, this.#sequence.length - this.#cached.ids.length);
    for (const [i, id] of ids.slice(0, room).entries()) {
      this.#cached.ids.push(id);
      this.#cached.positions.push(nextPosition + i);
    }
  }

  /** Forgets everything, as somebody else uses the sequence. */
  reset(): void {
    this.#cached = undefined;
    this.#dropInhibition();
  }

  #dropInhibition(): void {
    this.#cmai?.dispose();
    this.#cmai = undefined;
  }
}

function endOf({ row, tokens }: PromptImage): number {
  return row + tokens.shape[0]!;
}

/** Rows at the beginning that are the same, at most all but one of the prompt: its last row must run to give logits. */
function sharedRows(cached: CachedRows, { ids, positions, images }: Prompt): number {
  const most = Math.min(cached.ids.length, ids.length - 1);
  let rows = 0;
  while (rows < most && cached.ids[rows] === ids[rows] && cached.positions[rows] === positions[rows]) rows++;
  for (const [i, image] of images.entries()) {
    if (image.row >= rows) break;
    const before = cached.images[i];
    const isSame =
      before?.row === image.row && before.tokens === image.tokens && before.placed?.origins === image.placed?.origins;
    if (!isSame) return image.row;
  }
  return rows;
}
