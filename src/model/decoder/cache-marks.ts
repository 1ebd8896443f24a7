/** The valid rows of a cache, and the lengths after which a sequence may continue. Pure. */
import { assert } from "../../shared/assert.ts";
import { type SlotStep, StateSlots } from "./state-slots.ts";

/** Numbers that describe the rows of a cache, as plain values. */
export interface MarkValues {
  length: number;
  /** The largest length since the sequence began. */
  longest: number;
  /** Rows of pictures beside the sequence, for a decoder that reads them. */
  beside?: number | undefined;
  /** For recurrent layers: the rows in each slot's state, -1 for a free slot, and the saved points. */
  slots?: { lengths: number[]; saved: number[] } | undefined;
}

interface CacheSizes {
  capacity: number;
  reach: number;
  recurrent: boolean;
  besideCapacity?: number;
}

/** The length of a cache, and the lengths it can be cut to. */
export class CacheMarks {
  readonly #capacity: number;
  /** Rows that a sequence may go back by, without recurrent layers. */
  readonly #reach: number;
  readonly #slots: StateSlots | undefined;
  readonly #besideCapacity: number;
  #length = 0;
  #longest = 0;
  #beside = 0;

  /** @param besideCapacity rows that pictures beside the sequence may take */
  constructor({ capacity, reach, recurrent, besideCapacity = 0 }: CacheSizes) {
    this.#capacity = capacity;
    this.#besideCapacity = besideCapacity;
    this.#reach = reach;
    this.#slots = recurrent ? new StateSlots() : undefined;
  }

  get length(): number {
    return this.#length;
  }

  /** Rows of pictures beside the sequence. */
  get beside(): number {
    return this.#beside;
  }

  set beside(rows: number) {
    assert(rows <= this.#besideCapacity, `${rows} rows beside a sequence, of ${this.#besideCapacity}`);
    this.#beside = rows;
  }

  get hasSavedPoints(): boolean {
    return this.#slots !== undefined;
  }

  get values(): MarkValues {
    const beside = this.#besideCapacity > 0 ? this.#beside : undefined;
    return { length: this.#length, longest: this.#longest, beside, slots: this.#slots?.values };
  }

  /** Adopts the rows of another cache of this kind. Throws RangeError for another kind or length. */
  set({ length, longest, beside = 0, slots }: MarkValues): void {
    if (!(length <= longest && longest <= this.#capacity))
      throw new RangeError(`${length} of ${longest} rows in a cache of ${this.#capacity}`);
    if (!(beside >= 0 && beside <= this.#besideCapacity))
      throw new RangeError(`${beside} rows of pictures in a cache of ${this.#besideCapacity}`);
    if ((slots === undefined) !== (this.#slots === undefined)) throw new RangeError("rows of a cache of another kind");
    this.#length = length;
    this.#longest = longest;
    this.#beside = beside;
    if (slots) this.#slots!.set(slots);
  }

  /** A copy with the same rows. */
  clone(): CacheMarks {
    const recurrent = this.#slots !== undefined;
    const sizes = { capacity: this.#capacity, reach: this.#reach, besideCapacity: this.#besideCapacity };
    const copy = new CacheMarks({ ...sizes, recurrent });
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
    if (length === 0) this.#longest = this.#beside = 0;
  }
}
