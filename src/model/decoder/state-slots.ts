/**
 * Which states of recurrent layers a cache keeps. Such a state stands for all rows so far and cannot go back by a row, so
 * each chunk reads one slot and writes another: the state before the chunk stays until its slot is needed. Pure.
 */
import { assert } from "../../shared/assert.ts";

/**
 * Slots of states. Two are for the rows as they come: a row may have run ahead of the stop that makes it void (see
 * generate/step-loop.ts). The others hold saved points.
 */
export const STATE_SLOTS = 4;
const SAVED_POINTS = STATE_SLOTS - 2;

/** Slots of a chunk: undefined stands for the state before the first row, which is zero. */
export interface SlotStep {
  from: number | undefined;
  to: number;
}

export class StateSlots {
  /** Number of rows that each slot's state stands for; undefined for a slot that is free. */
  readonly #lengths = new Array<number | undefined>(STATE_SLOTS).fill(undefined);
  readonly #saved = new Set<number>();

  /** All of it as plain values; -1 stands for a free slot. */
  get values(): { lengths: number[]; saved: number[] } {
    return { lengths: this.#lengths.map((rows) => rows ?? -1), saved: [...this.#saved] };
  }

  /** Takes over `values` of others. Throws RangeError for what are none. */
  set({ lengths, saved }: { lengths: readonly number[]; saved: readonly number[] }): void {
    const areRows = (list: unknown) => Array.isArray(list) && list.every((rows) => Number.isSafeInteger(rows));
    if (!areRows(lengths) || !areRows(saved) || lengths.length !== STATE_SLOTS)
      throw new RangeError(`states that are not those of ${STATE_SLOTS} slots`);
    for (const [slot, rows] of lengths.entries()) this.#lengths[slot] = rows < 0 ? undefined : rows;
    this.#saved.clear();
    for (const rows of saved) this.#saved.add(rows);
  }

  /** True if rows can go on after `length` ones. */
  has(length: number): boolean {
    return length === 0 || this.#lengths.includes(length);
  }

  /** The largest number of rows, at most `length`, after which rows can go on. */
  reusable(length: number): number {
    return Math.max(0, ...this.#lengths.filter((rows) => rows !== undefined && rows <= length).map(Number));
  }

  /** Slots of rows that come after `start` ones. Where no slot has that state, the slots of no use but to be recorded. */
  step(start: number): SlotStep {
    if (!this.has(start)) return { from: 0, to: 1 };
    const from = start === 0 ? undefined : this.#lengths.indexOf(start);
    const free = this.#lengths.indexOf(undefined);
    if (free >= 0) return { from, to: free };
    const points = [...this.#saved].sort((a, b) => b - a).slice(0, SAVED_POINTS);
    const kept = new Set([start, ...points]);
    const rest = [...this.#lengths.keys()].filter((slot) => !kept.has(this.#lengths[slot]!));
    // The longest of them may be what the last row went on from; the shortest was passed long ago.
    const to = rest.reduce((shortest, slot) => (this.#lengths[slot]! < this.#lengths[shortest]! ? slot : shortest));
    return { from, to };
  }

  /** Notes that the rows from `start` to `end` have been run through the slots of `step`. */
  advance(start: number, end: number): void {
    assert(this.has(start), `no state of ${start} rows`);
    const { to } = this.step(start);
    const before = this.#lengths[to];
    if (before !== undefined) this.#saved.delete(before);
    this.#lengths[to] = end;
  }

  /** Keeps the state of `length` rows for longer, with those of the longest other saved points. */
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
