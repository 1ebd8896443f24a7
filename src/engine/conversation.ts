/**
 * Keeps the KV cache from one question to the next. A prompt that begins like the last conversation, or an earlier one,
 * only runs its new rows. Two other files keep the rest: kept-conversations.ts earlier conversations, image-cache.ts
 * encoded pictures.
 */
import type { Inhibition } from "../api.ts";
import type { Sequence } from "../generate/sequence.ts";
import type { Arena } from "../gpu/arena.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { MarkValues } from "../model/decoder/cache-marks.ts";
import type { Decoder } from "../model/decoder/decoder.ts";
import type { KvCache } from "../model/decoder/kv-cache.ts";
import { imageRuns, type PromptRows } from "../model/decoder/prompt-rows.ts";
import { rangesOfLayers, withDecodedRows } from "../model/decoder/visible.ts";
import { Inhibitor } from "../model/inhibition/inhibitor.ts";
import { isOff, planInhibition } from "../model/inhibition/plan.ts";
import { addGenerated, type CachedRows, type CachedRun, cachedRows, firstRows, sharedRows } from "./cached-rows.ts";
import { KeptConversations, type KeptRows, reusableRows } from "./kept-conversations.ts";

/** The fewest rows worth a copy. Fewer rows, such as those of an answer's last turn mark, run again. */
const WORTH_KEEPING = 16;

export interface ConversationPrefill {
  inhibition: Inhibition;
  /** Tokens that may be generated after the prompt. */
  maxTokens: number;
  /** Ids that end a turn: a later prompt may continue after the last of them, if it cannot continue after every row. */
  turnEnds: ReadonlySet<number>;
  /** Tokens that exist already and will be replayed. */
  generated: number;
  signal: AbortSignal;
  /** Called with the inhibition of the prompt's images before it runs; focus is then computed in every layer. */
  onInhibition?: ((inhibitor: Inhibitor) => void) | undefined;
}

/** Rows as they are stored: JSON has no `undefined`. */
export type StoredRows = Omit<CachedRows, "runs"> & {
  runs: readonly (Omit<CachedRun, "source"> & { source: string | null })[];
};

/** The parts that a conversation runs on; the caller owns them. */
export interface ConversationParts {
  decoder: Decoder;
  sequence: Sequence;
  cache: KvCache;
  contextLength: number;
}

/** The conversation in the KV cache, and earlier ones beside it. Owns the copies, not the cache. */
export class Conversation {
  readonly #gpu: Gpu;
  readonly #decoder: Decoder;
  readonly #sequence: Sequence;
  readonly #cache: KvCache;
  readonly #contextLength: number;
  readonly #kept: KeptConversations;
  #cached: CachedRows | undefined;
  #inhibitor: Inhibitor | undefined;
  /** Attention of rows from disk to pictures, until an inhibitor adopts it. */
  #loaded: { arena: Arena; paid: readonly (Tensor | undefined)[] } | undefined;

  constructor(gpu: Gpu, { decoder, sequence, cache, contextLength }: ConversationParts) {
    this.#gpu = gpu;
    this.#decoder = decoder;
    this.#sequence = sequence;
    this.#cache = cache;
    this.#contextLength = contextLength;
    this.#kept = new KeptConversations(gpu, cache);
  }

  /** Allows this many bytes of GPU memory for rows of earlier conversations. */
  allow(bytes: number): void {
    this.#kept.budget = bytes;
  }

  /**
   * Runs the rows of a prompt that no cache has. Returns the number of rows that were cached. Throws as
   * `Sequence.prefill`, and FoveaError `out-of-memory`. Rows that ran before an abort stay.
   */
  async prefill(prompt: PromptRows, options: ConversationPrefill): Promise<number> {
    try {
      return await this.#prefill(prompt, options);
    } catch (error) {
      if (this.#cache.length === 0 || !this.#cached) this.#forget();
      throw error;
    }
  }

  async #prefill(prompt: PromptRows, options: ConversationPrefill): Promise<number> {
    const { inhibition, maxTokens, turnEnds, generated, signal, onInhibition } = options;
    const watch = onInhibition !== undefined;
    this.#sequence.assertFits(prompt);
    const plan = planInhibition(inhibition, this.#decoder.spec.layers);
    const turning = this.#decoder.rope.turningLength(prompt.nextPosition, generated);
    const rows = cachedRows(prompt, JSON.stringify({ ...plan, watch, turning }));
    const { keep, restored } = await this.#findRows(rows, prompt);

    // Rows beside the prompt have no attention that could be inhibited or watched.
    if ((isOff(plan) && !watch) || prompt.pictures.length === 0 || prompt.beside) {
      this.#dropInhibition();
    } else {
      const ranges = withDecodedRows(prompt.visible, Math.min(maxTokens, this.#contextLength - prompt.ids.length));
      const inhibited = {
        images: imageRuns(prompt),
        visible: rangesOfLayers(this.#decoder.spec.layers, ranges, prompt.unwindowed),
      };
      // New rows record their attention to pictures. Kept rows have recorded it already.
      const paid: readonly (Tensor | undefined)[] | undefined =
        restored?.paid ?? (keep > 0 ? this.#loaded?.paid : undefined);
      if (keep === 0 || restored) this.#dropInhibition();
      await this.#gpu.guardMemory("attention inhibition of this conversation", () => {
        if (this.#inhibitor) this.#inhibitor.extend(inhibited);
        else this.#inhibitor = new Inhibitor(this.#gpu, this.#gpu.arena, this.#decoder, plan, { ...inhibited, watch });
      });
      if (paid) this.#inhibitor!.adopt(paid);
      onInhibition?.(this.#inhibitor!);
    }
    const saveAt = savedPoints(prompt.ids, turnEnds);
    try {
      await this.#sequence.prefill(prompt, { signal, keep, saveAt, generated, inhibition: this.#inhibitor });
    } finally {
      // After an abort the rows that ran are kept, after an error none.
      this.#cached = firstRows(rows, this.#cache.length);
      this.#dropLoaded();
    }
    if (restored && restored.marks.length - keep < WORTH_KEEPING) this.#kept.drop(restored);
    return keep;
  }

  /**
   * Loads the cache with the rows that share the longest prefix with a prompt, and copies the rows that the prompt will
   * overwrite. Returns the number of kept rows, and the copy that they came from.
   */
  async #findRows(rows: CachedRows, prompt: PromptRows): Promise<{ keep: number; restored?: KeptRows }> {
    const live = this.live();
    this.#cached = undefined;
    const keep = live ? reusableRows(this.#cache, sharedRows(live.rows, rows, prompt), prompt) : 0;
    const best = this.#kept.best(rows, prompt);
    const isBetter = best !== undefined && best.shared > keep;
    if (live && live.rows.ids.length - keep >= WORTH_KEEPING)
      await this.#kept.keep(live, isBetter ? best.kept : undefined);
    if (!isBetter) return { keep };
    this.#kept.restore(best.kept);
    return { keep: best.shared, restored: best.kept };
  }

  /** Notes the tokens of the answer; the rows that ran are in the cache. */
  append(ids: readonly number[], nextPosition: number): void {
    if (!this.#cached) return;
    const room = Math.max(0, this.#sequence.length - this.#cached.ids.length);
    for (const [i, id] of ids.slice(0, room).entries()) {
      const positions = new Array<number>(this.#decoder.axes).fill(nextPosition + i);
      addGenerated(this.#cached, id, positions);
    }
  }

  /** Releases the sequence for another use. Keeps a copy of the last conversation's rows. */
  async release(): Promise<void> {
    const live = this.live();
    if (live && live.rows.ids.length >= WORTH_KEEPING) await this.#kept.keep(live);
    this.#forget();
  }

  /** The rows in the cache now; the cache still owns their tensors. */
  live(): KeptRows | undefined {
    const { marks } = this.#cache;
    if (!this.#cached || marks.length === 0) return undefined;
    const paid = this.#inhibitor?.paid(marks.length) ?? this.#loaded?.paid ?? [];
    return { rows: this.#cached, marks, layers: this.#cache.used(marks), paid };
  }

  /**
   * Adopts rows from disk. Returns their number.
   *
   * @param fill writes the values of these tensors
   * @throws RangeError for rows that do not fit, and as `fill`; the cache is then empty
   */
  async load(
    { rows, marks, paid: lengths }: { rows: StoredRows; marks: MarkValues; paid: readonly (number | null)[] },
    fill: (tensors: readonly Tensor[]) => Promise<void>,
  ): Promise<number> {
    const { layers } = this.#decoder.spec;
    if (
      (marks.beside ?? 0) > this.#cache.besideCapacity ||
      marks.length > this.#contextLength ||
      rows.ids.length > marks.length ||
      lengths.length > layers.length
    )
      throw new RangeError(`${marks.length} rows do not fit into a context of ${this.#contextLength}`);
    await this.release();
    this.#sequence.truncate(0);
    const arena = this.#gpu.arena.scope();
    try {
      const most = marks.length * marks.length;
      const paid = await this.#gpu.guardMemory("rows from disk", () =>
        lengths.map((length) => {
          if (length === null) return undefined;
          if (length > most) throw new RangeError(`${length} numbers of ${marks.length} rows`);
          return arena.tensor("attention to images, from disk", [length]);
        }),
      );
      await fill([...this.#cache.used(marks), ...paid.filter((list) => list !== undefined)]);
      this.#cache.restore(marks);
      this.#loaded = { arena, paid };
    } catch (error) {
      arena.dispose();
      throw error;
    }
    const runs = rows.runs.map(({ source, ...run }) => ({ ...run, source: source ?? undefined }));
    this.#cached = { ...rows, runs };
    return marks.length;
  }

  #dropLoaded(): void {
    this.#loaded?.arena.dispose();
    this.#loaded = undefined;
  }

  #forget(): void {
    this.#cached = undefined;
    this.#dropLoaded();
    this.#dropInhibition();
  }

  #dropInhibition(): void {
    this.#inhibitor?.dispose();
    this.#inhibitor = undefined;
  }
}

/**
 * Numbers of rows after which later prompts are likely to differ: after the last two turns. The template may write the
 * start of an answer differently once the answer exists. Without turns, all rows except the last, which must run.
 */
function savedPoints(ids: Uint32Array, turnEnds: ReadonlySet<number>): number[] {
  const ends: number[] = [];
  for (let row = ids.length - 2; row >= 0 && ends.length < 2; row--) if (turnEnds.has(ids[row]!)) ends.unshift(row + 1);
  return ends.length > 0 ? ends : [ids.length - 1];
}
