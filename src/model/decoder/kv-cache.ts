/**
 * What every layer keeps of a sequence: keys and values of each position, the gated input of a convolution's last rows, or
 * states of a recurrent layer. Allocated once for a fixed number of positions, never grown.
 */
import type { Arena } from "../../gpu/arena.ts";
import { type Tensor, tensorByteLength } from "../../gpu/tensor.ts";
import { type DecodePartials, decodePartials } from "../../kernels/attention-decode.ts";
import { assert } from "../../shared/assert.ts";
import type { DecoderSpec } from "../../spec/model-spec.ts";
import { deltaState } from "./delta-sizes.ts";
import { type SlotStep, STATE_SLOTS, StateSlots } from "./state-slots.ts";

/**
 * Rows that a convolution keeps: a chunk of at most 512, and those that a sequence may go back by without running anew. A
 * later turn goes back by an answer's last tokens.
 */
const CONVOLUTION_ROWS = 512 + 128;

/** Bytes that the cache of the widest layer takes, in one binding. */
export function layerCacheBytes({ layers }: DecoderSpec, capacity: number): number {
  const elements = layers.map(({ attention, delta }) => {
    if (delta) return STATE_SLOTS * deltaState(delta);
    return attention ? capacity * 2 * attention.keyHeads * attention.headWidth : 0;
  });
  return tensorByteLength({ shape: [Math.max(...elements)], type: "f32" });
}

export class KvCache {
  readonly capacity: number;
  /**
   * Of each layer [capacity, 2 Hk D], keys after RoPE, then values; of a convolution [kept rows, W], see
   * kernels/short-conv.ts; of a gated delta rule [STATE_SLOTS, deltaState], see delta-layer.ts.
   */
  readonly layers: readonly Tensor[];
  /** For attention of one row over many; undefined if the cache is too small to need it. */
  readonly partials: DecodePartials | undefined;
  /** Rows that a sequence may go back by, without recurrent layers. */
  readonly #reach: number;
  /** Of recurrent layers, where there are any. */
  readonly #slots: StateSlots | undefined;
  #length = 0;
  /** The largest length since the sequence began. */
  #longest = 0;

  /** Takes its buffers from `arena`, which owns them. */
  constructor(arena: Arena, { layers, width }: DecoderSpec, capacity: number) {
    this.capacity = capacity;
    const keptRows = Math.min(capacity, CONVOLUTION_ROWS);
    this.layers = layers.map(({ attention, delta }, i) => {
      if (delta) return arena.tensor(`states of layer ${i}`, [STATE_SLOTS, deltaState(delta)]);
      if (!attention) return arena.tensor(`state of layer ${i}`, [keptRows, width]);
      return arena.tensor(`keys and values of layer ${i}`, [capacity, 2 * attention.keyHeads * attention.headWidth]);
    });
    this.#slots = layers.some(({ delta }) => delta) ? new StateSlots() : undefined;
    const taps = Math.max(0, ...layers.map(({ convolution }) => convolution?.taps ?? 0));
    this.#reach = taps === 0 ? capacity : keptRows - (taps - 1);
    const attentions = layers.flatMap(({ attention }) => attention ?? []);
    const sizes = {
      heads: Math.max(1, ...attentions.map(({ heads }) => heads)),
      headWidth: Math.max(1, ...attentions.map(({ headWidth }) => headWidth)),
    };
    this.partials = decodePartials(arena, { maxKeys: capacity, ...sizes });
  }

  /** Rows that count; rows behind them are leftovers. */
  get length(): number {
    return this.#length;
  }

  /** Counts `rows` more, which the caller has written. */
  advance(rows: number): void {
    assert(this.#length + rows <= this.capacity, `${rows} rows after ${this.#length} of ${this.capacity}`);
    this.#slots?.advance(this.#length, this.#length + rows);
    this.#length += rows;
    this.#longest = Math.max(this.#longest, this.#length);
  }

  /**
   * The most rows, of the first `length` ones at most, after which others may go on. Of a convolution only the last rows are
   * kept, of a recurrent layer only a few states.
   */
  reusable(length: number): number {
    const rows = Math.min(length, this.#length);
    if (this.#slots) return this.#slots.reusable(rows);
    return this.#longest - rows <= this.#reach || this.#longest <= this.#reach ? rows : 0;
  }

  /** True where sequences go on only after saved points: after as many rows as `savePoint` was called at. */
  get hasSavedPoints(): boolean {
    return this.#slots !== undefined;
  }

  /** Keeps what is needed to go on after the rows so far, until two longer saved points are there. */
  savePoint(): void {
    this.#slots?.save(this.#length);
  }

  /** Places of the states of recurrent layers, for rows after `start` ones. */
  slots(start: number): SlotStep {
    return this.#slots?.step(start) ?? { from: undefined, to: 0 };
  }

  /** Forgets all rows from `length` on, which is 0 or `reusable`. */
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
