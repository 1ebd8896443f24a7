/**
 * Keeps the KV cache from one question to the next: a prompt that begins as the last conversation did only runs its new
 * rows. image-cache.ts decides which pictures are encoded again.
 */
import type { Inhibition } from "../api.ts";
import type { Sequence } from "../generate/sequence.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Decoder } from "../model/decoder/decoder.ts";
import { imageRuns, type PromptRows, type PromptRun } from "../model/decoder/prompt-rows.ts";
import { lastBorder, rangesOfLayers, withDecodedRows } from "../model/decoder/visible.ts";
import { Inhibitor } from "../model/inhibition/inhibitor.ts";
import { isOff, planInhibition } from "../model/inhibition/plan.ts";

/** Rows of the cache; as in a prompt. */
interface CachedRows {
  ids: number[];
  /** Of each row its positions on all axes, then its key range. */
  places: (readonly number[])[];
  runs: readonly PromptRun[];
  /** Inhibition and RoPE that they were made under: keys and values of all layers but the first depend on them. */
  plan: string;
}

export interface ConversationPrefill {
  inhibition: Inhibition;
  /** Tokens that may be generated after the prompt. */
  maxTokens: number;
  /** Ids that end a turn: after the last of them a later prompt may go on, if not after any row. */
  turnEnds: ReadonlySet<number>;
  /** Those of them that there are already, and that will be replayed. */
  generated: number;
  signal: AbortSignal;
  /** Handed the inhibition of the prompt's images before it runs, and focus is then worked out in every layer. */
  onInhibition?: ((inhibitor: Inhibitor) => void) | undefined;
}

export class Conversation {
  readonly #gpu: Gpu;
  readonly #decoder: Decoder;
  readonly #sequence: Sequence;
  readonly #contextLength: number;
  #cached: CachedRows | undefined;
  #inhibitor: Inhibitor | undefined;

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
  async prefill(prompt: PromptRows, options: ConversationPrefill): Promise<number> {
    try {
      return await this.#prefill(prompt, options);
    } catch (error) {
      this.reset();
      throw error;
    }
  }

  async #prefill(prompt: PromptRows, options: ConversationPrefill): Promise<number> {
    const { inhibition, maxTokens, turnEnds, generated, signal, onInhibition } = options;
    const watch = onInhibition !== undefined;
    this.#sequence.assertFits(prompt.ids.length);
    const plan = planInhibition(inhibition, this.#decoder.spec.layers);
    const turning = this.#decoder.rope.turningLength(prompt.nextPosition, generated);
    const planKey = JSON.stringify({ ...plan, watch, turning });
    const cached = this.#cached?.plan === planKey ? this.#cached : undefined;
    this.#cached = undefined;
    let keep = cached ? sharedRows(cached, prompt) : 0;
    keep = this.#sequence.reusable(keep);

    if ((isOff(plan) && !watch) || prompt.pictures.length === 0) {
      this.#dropInhibition();
    } else {
      const ranges = withDecodedRows(prompt.visible, Math.min(maxTokens, this.#contextLength - prompt.ids.length));
      const inhibited = {
        images: imageRuns(prompt),
        visible: rangesOfLayers(this.#decoder.spec.layers, ranges, prompt.unwindowed),
      };
      const isWhole = (runs: readonly PromptRun[]) =>
        runs.every(({ row, count }) => row + count <= keep) || runs.every(({ row }) => row >= keep);
      const kept = cached && prompt.pictures.every(isWhole) ? this.#inhibitor : undefined;
      if (!kept) this.#dropInhibition();
      // Rows after a picture have paid attention to it that a new inhibitor does not know.
      if (!kept && prompt.pictures.flat().some(({ row }) => row < keep)) keep = 0;
      await this.#gpu.guardMemory("attention inhibition of this conversation", () => {
        if (kept) kept.extend(inhibited);
        else this.#inhibitor = new Inhibitor(this.#gpu, this.#gpu.arena, this.#decoder, plan, { ...inhibited, watch });
      });
      onInhibition?.(this.#inhibitor!);
    }
    const saveAt = savedPoints(prompt.ids, turnEnds);
    await this.#sequence.prefill(prompt, { signal, keep, saveAt, generated, inhibition: this.#inhibitor });
    this.#cached = {
      ids: [...prompt.ids],
      places: Array.from(prompt.ids, (_, row) => placeOf(prompt, row)),
      runs: prompt.pictures.flat(),
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
      const positions = new Array<number>(this.#decoder.axes).fill(nextPosition + i);
      this.#cached.places.push([...positions, 0, this.#cached.ids.length]);
    }
  }

  /** Forgets everything, as somebody else uses the sequence. */
  reset(): void {
    this.#cached = undefined;
    this.#dropInhibition();
  }

  #dropInhibition(): void {
    this.#inhibitor?.dispose();
    this.#inhibitor = undefined;
  }
}

/**
 * Numbers of rows after which later prompts are likely to go on differently: after the last two turns. What follows the last
 * turn's end, the beginning of an answer, may be written otherwise once the answer is there. Without turns all rows but the
 * last, which must run.
 */
function savedPoints(ids: Uint32Array, turnEnds: ReadonlySet<number>): number[] {
  const ends: number[] = [];
  for (let row = ids.length - 2; row >= 0 && ends.length < 2; row--) if (turnEnds.has(ids[row]!)) ends.unshift(row + 1);
  return ends.length > 0 ? ends : [ids.length - 1];
}

/** Positions of a row on all axes, then its key range. */
function placeOf({ ids, positions, visible }: PromptRows, row: number): number[] {
  const place: number[] = [];
  for (let at = row; at < positions.length; at += ids.length) place.push(positions[at]!);
  return [...place, visible[2 * row]!, visible[2 * row + 1]!];
}

/**
 * Rows at the beginning that are the same and see no later one. At most all but one of the prompt: its last row must run
 * to give logits.
 */
function sharedRows(cached: CachedRows, prompt: PromptRows): number {
  const most = Math.min(cached.ids.length, prompt.ids.length - 1);
  const isSame = (row: number) =>
    cached.ids[row] === prompt.ids[row] && placeOf(prompt, row).every((number, i) => number === cached.places[row]![i]);
  let rows = 0;
  while (rows < most && isSame(rows)) rows++;
  const changed = prompt.pictures.flat().find(({ row, tensor, first, placed }, i) => {
    const before = cached.runs[i];
    const isSameTensor = before?.tensor === tensor && before.first === first;
    return before?.row !== row || !isSameTensor || before.placed?.owners !== placed?.owners;
  });
  return lastBorder(prompt.visible, Math.min(rows, changed?.row ?? rows));
}
