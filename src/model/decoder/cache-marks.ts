/** The valid rows of a cache, and the lengths after which a sequence may continue. Pure. */
import { assert } from "../../shared/assert.ts";
import { type SlotStep, StateSlots } from "./state-slots.ts";

/** Numbers that describe the rows of a cache, as plain values. */
export interface MarkValues {
  length: number;
  /** The largest length since the sequence began. */
  longest: number;
  /** For recurrent layers: the rows in each slot's state, -1 for a free slot, and the saved points. */
  slots?: { lengths: number[]; saved: number[] } | undefined;
}

/** The length of a cache, and the lengths it can be cut to. */
export class CacheMarks {
  readonly #capacity: number;
  /** Rows that a sequence may go back by, without recurrent layers. */
  readonly #reach: number;
  readonly #slots: StateSlots | undefined;
  #length = 0;
  #longest = 0;

  constructor({ capacity, reach, recurrent }: { capacity: number; reach: number; recurrent: boolean }) {
    this.#capacity = capacity;
    this.#reach = reach;
    this.#slots = recurrent ? new StateSlots() : undefined;
  }

  get length(): number {
    return this.#length;
  }

  get hasSavedPoints(): boolean {
    return this.#slots !== undefined;
  }

  get values(): MarkValues {
    return { length: this.#length, longest: this.#longest, slots: this.#slots?.values };
  }

  /** Adopts the rows of another cache of this kind. Throws RangeError for another kind or length. */
  set({ length, longest, slots }: MarkValues): void {
    if (!(length <= longest && longest <= this.#capacity))
      throw new RangeError(`${length} of ${longest} rows in a cache of ${this.#capacity}`);
    if ((slots === undefined) !== (this.#slots === undefined)) throw new RangeError("rows of a cache of another kind");
    this.#length = length;
    this.#longest = longest;
    if (slots) this.#slots!.set(slots);
  }

  /** A copy with the same rows. */
  clone(): CacheMarks {
    const recurrent = this.#slots !== undefined;
    const copy = new CacheMarks({ capacity: this.#capacity, reach: this.#reach, recurrent });
    copy.set(this.values);
    return copy;
  }

  advance(rows: number): void {
    assert(this.#length + rows <= this.#capacity, `${rows} rows after ${this.#length} of ${this.#capacity}`);
    this.#slots?.advance(this.#length, this.#length + rows);
    this.#length += rows;
    this.#longest = Math.max(this.#longest, this.#length);
  }

  /** See `KvCache.reusable`. */
  reusable(length: number): number {
    const rows = Math.min(length, this.#length);
    if (this.#slots) return this.#slots.reusable(rows);
    return this.#longest - rows <= this.#reach || this.#longest <= this.#reach ? rows : 0;
  }

  savePoint(): void {
    this.#slots?.save(this.#length);
  }

  slots(start: number): SlotStep {
    return this.#slots?.step(start) ?? { from: undefined, to: 0 };
  }

  truncate(length: number): void {
    assert(
      length <= this.#length && this.reusable(length) === length,
      `cannot truncate ${this.#length} rows to ${length}`,
    );
    this.#length = length;
    this.#slots?.truncate(length);
    if (length === 0) this.#longest = 0;
  }
}
