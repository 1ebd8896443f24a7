/**
 * Chooses the states of recurrent layers that a cache keeps. A state summarises all rows so far and cannot drop a row.
 * So each chunk reads one slot and writes another, and the state before the chunk stays until its slot is needed. Pure.
 */
import { assert } from "../../shared/assert.ts";

/**
 * Slots of states. Two are for the latest rows: a row may have run ahead of the stop that discards it (see
 * generate/step-loop.ts). The others hold saved points.
 */
export const STATE_SLOTS = 4;
const SAVED_POINTS = STATE_SLOTS - 2;

/** Slots of a chunk; undefined is the zero state before the first row. */
export interface SlotStep {
  from: number | undefined;
  to: number;
}

/** The slots of the states, by the number of rows that each summarises. */
export class StateSlots {
  /** The number of rows in each slot's state; undefined for a free slot. */
  readonly #lengths = new Array<number | undefined>(STATE_SLOTS).fill(undefined);
  readonly #saved = new Set<number>();

  /** All slots as plain values; -1 is a free slot. */
  get values(): { lengths: number[]; saved: number[] } {
    return { lengths: this.#lengths.map((rows) => rows ?? -1), saved: [...this.#saved] };
  }

  /** Adopts the `values` of another cache. Throws RangeError for other values. */
  set({ lengths, saved }: { lengths: readonly number[]; saved: readonly number[] }): void {
    const areRows = (list: unknown) => Array.isArray(list) && list.every((rows) => Number.isSafeInteger(rows));
    if (!areRows(lengths) || !areRows(saved) || lengths.length !== STATE_SLOTS)
      throw new RangeError(`states that are not those of ${STATE_SLOTS} slots`);
    for (const [slot, rows] of lengths.entries()) this.#lengths[slot] = rows < 0 ? undefined : rows;
    this.#saved.clear();
    for (const rows of saved) this.#saved.add(rows);
  }

  /** True if a sequence can continue after `length` rows. */
  has(length: number): boolean {
    return length === 0 || this.#lengths.includes(length);
  }

  /** The largest length, at most `length`, after which a sequence can continue. */
  reusable(length: number): number {
    return Math.max(0, ...this.#lengths.filter((rows) => rows !== undefined && rows <= length).map(Number));
  }

  /** Slots for rows after the first `start`. Where no slot has that state, the slots serve only to record commands. */
  step(start: number): SlotStep {
    if (!this.has(start)) return { from: 0, to: 1 };
    const from = start === 0 ? undefined : this.#lengths.indexOf(start);
    const free = this.#lengths.indexOf(undefined);
    if (free >= 0) return { from, to: free };
    const points = [...this.#saved].sort((a, b) => b - a).slice(0, SAVED_POINTS);
    const kept = new Set([start, ...points]);
    const rest = [...this.#lengths.keys()].filter((slot) => !kept.has(this.#lengths[slot]!));
    // The last row may have continued from the longest of them; the shortest is the oldest.
    const to = rest.reduce((shortest, slot) => (this.#lengths[slot]! < this.#lengths[shortest]! ? slot : shortest));
    return { from, to };
  }

  /** Notes that the rows from `start` to `end` have run through the slots of `step`. */
  advance(start: number, end: number): void {
    assert(this.has(start), `no state of ${start} rows`);
    const { to } = this.step(start);
    const before = this.#lengths[to];
    if (before !== undefined) this.#saved.delete(before);
    this.#lengths[to] = end;
  }

  /** Makes the state of `length` rows a saved point; the longest other saved points stay. */
  save(length: number): void {
    if (length > 0 && this.has(length)) this.#saved.add(length);
  }

  /** Forgets the states of more than `length` rows. */
  truncate(length: number): void {
    for (const [slot, rows] of this.#lengths.entries())
      if (rows !== undefined && rows > length) {
        this.#lengths[slot] = undefined;
        this.#saved.delete(rows);
      }
  }
}
