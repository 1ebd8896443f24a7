/**
 * Rows of earlier conversations, copied from the only KV cache: the latest ones that fit a budget of GPU memory. A copy
 * holds only the used rows; a second cache would need its whole length.
 */
import type { Arena } from "../gpu/arena.ts";
import type { Gpu } from "../gpu/device.ts";
import { type Tensor, tensorByteLength } from "../gpu/tensor.ts";
import type { CacheMarks } from "../model/decoder/cache-marks.ts";
import type { KvCache } from "../model/decoder/kv-cache.ts";
import type { PromptRows } from "../model/decoder/prompt-rows.ts";
import { type CachedRows, sharedRows, wholePictures } from "./cached-rows.ts";

/** The rows of one conversation. */
export interface KeptRows {
  rows: CachedRows;
  marks: CacheMarks;
  /** One tensor for each layer, as `KvCache.used`. */
  layers: readonly Tensor[];
  /** For each layer the attention of its rows to pictures, as `Inhibitor.paid`; empty without inhibition. */
  paid: readonly (Tensor | undefined)[];
}

interface Entry extends KeptRows {
  arena: Arena;
  bytes: number;
}

/** Copies of the rows of earlier conversations. Owns their memory. */
export class KeptConversations {
  readonly #gpu: Gpu;
  readonly #cache: KvCache;
  /** The oldest first. */
  #entries: Entry[] = [];
  /** Bytes that the copies may take. */
  budget = 0;

  constructor(gpu: Gpu, cache: KvCache) {
    this.#gpu = gpu;
    this.#cache = cache;
  }

  /** The conversation that shares the most rows with a prompt, and the number of them that the prompt can reuse. */
  best(rows: CachedRows, prompt: PromptRows): { kept: KeptRows; shared: number } | undefined {
    let best: { kept: KeptRows; shared: number } | undefined;
    for (const kept of this.#entries) {
      const shared = reusableRows(kept.marks, sharedRows(kept.rows, rows, prompt), prompt);
      if (shared > (best?.shared ?? 0)) best = { kept, shared };
    }
    return best;
  }

  /**
   * Copies the rows of the cache. Frees the oldest copies to stay within the budget, but not `spared`. Keeps nothing if
   * the copy exceeds the budget or the GPU's memory: the rows will run again.
   */
  async keep({ rows, marks, layers: used, paid }: KeptRows, spared?: KeptRows): Promise<void> {
    const tensors = [...used, ...paid.filter((list) => list !== undefined)];
    const bytes = tensors.reduce((sum, tensor) => sum + tensorByteLength(tensor), 0);
    const sparedBytes = this.#entries.find((entry) => entry === spared)?.bytes ?? 0;
    if (bytes + sparedBytes > this.budget) return;
    for (const entry of [...this.#entries]) {
      if (entry === spared) continue;
      const isCovered = isPart(entry.rows, rows) && marks.reusable(entry.marks.length) === entry.marks.length;
      if (isCovered || this.#bytes + bytes > this.budget) this.drop(entry);
    }
    const arena = this.#gpu.arena.scope();
    try {
      await this.#gpu.guardMemory("rows of an earlier conversation", () => {
        const copy = (tensor: Tensor) =>
          arena.tensor("rows of an earlier conversation", tensor.shape, tensor.type as "f32");
        const layers = used.map(copy);
        const lists = paid.map((list) => list && copy(list));
        this.#entries.push({ rows, marks, layers, paid: lists, arena, bytes });
      });
    } catch (error) {
      arena.dispose();
      this.#entries = this.#entries.filter((entry) => entry.arena !== arena);
      this.#gpu.assertAlive();
      if (!(error instanceof Error && "code" in error && error.code === "out-of-memory")) throw error;
      // The device has less memory than the budget: free the copies too.
      for (const entry of [...this.#entries]) if (entry !== spared) this.drop(entry);
      return;
    }
    const { layers, paid: lists } = this.#entries.at(-1)!;
    this.#gpu.submit("keep rows", (pass) => {
      for (const [i, layer] of used.entries()) pass.copy(layer, layers[i]!);
      for (const [i, list] of paid.entries()) if (list) pass.copy(list, lists[i]!);
    });
  }

  /** Copies the rows of a conversation back into the cache, and marks it as the latest one. */
  restore(kept: KeptRows): void {
    const used = this.#cache.used(kept.marks);
    this.#gpu.submit("restore rows", (pass) => {
      for (const [i, layer] of kept.layers.entries()) pass.copy(layer, used[i]!);
    });
    this.#cache.restore(kept.marks.values);
    const entry = this.#entries.find((one) => one === kept);
    if (entry) this.#entries = [...this.#entries.filter((one) => one !== entry), entry];
  }

  /** Frees the rows of a conversation. */
  drop(kept: KeptRows): void {
    this.#entries.find((entry) => entry === kept)?.arena.dispose();
    this.#entries = this.#entries.filter((entry) => entry !== kept);
  }

  get #bytes(): number {
    return this.#entries.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

/** The most rows, at most `shared`, after which a prompt can continue: recurrent states may exist only for fewer. */
export function reusableRows(marks: Pick<CacheMarks, "reusable">, shared: number, prompt: PromptRows): number {
  let rows = shared;
  while (true) {
    const fewer = marks.reusable(wholePictures(prompt, rows));
    if (fewer === rows) return rows;
    rows = fewer;
  }
}

/** True if `whole` begins with all rows of `part`. */
function isPart(part: CachedRows, whole: CachedRows): boolean {
  const isSame = (a: readonly number[], b: readonly number[]) => a.every((value, i) => value === b[i]);
  const ofRuns = ({ runs }: CachedRows) => runs.map(({ row, first, source }) => `${row} ${first} ${source}`);
  const before = ofRuns(whole);
  return (
    part.plan === whole.plan &&
    part.ids.length <= whole.ids.length &&
    isSame(part.ids, whole.ids) &&
    isSame(part.places, whole.places) &&
    ofRuns(part).every((run, i) => run === before[i])
  );
}
