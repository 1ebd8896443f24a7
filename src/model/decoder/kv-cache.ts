/**
 * What every layer keeps of a sequence: keys and values of each position, the gated input of a convolution's last rows, or
 * states of a recurrent layer. Allocated once for a fixed number of positions, never grown.
 */
import type { Arena } from "../../gpu/arena.ts";
import { type Tensor, tensorByteLength, view } from "../../gpu/tensor.ts";
import { type DecodePartials, decodePartials } from "../../kernels/attention-decode.ts";
import type { DecoderSpec } from "../../spec/model-spec.ts";
import { CacheMarks, type MarkValues } from "./cache-marks.ts";
import { deltaState } from "./delta-sizes.ts";
import { type SlotStep, STATE_SLOTS } from "./state-slots.ts";

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
  readonly #marks: CacheMarks;
  /** Of each layer whether it keeps something of every row. */
  readonly #hasRows: readonly boolean[];

  /** Takes its buffers from `arena`, which owns them. */
  constructor(arena: Arena, { layers, width }: DecoderSpec, capacity: number) {
    this.capacity = capacity;
    const keptRows = Math.min(capacity, CONVOLUTION_ROWS);
    this.layers = layers.map(({ attention, delta }, i) => {
      if (delta) return arena.tensor(`states of layer ${i}`, [STATE_SLOTS, deltaState(delta)]);
      if (!attention) return arena.tensor(`state of layer ${i}`, [keptRows, width]);
      return arena.tensor(`keys and values of layer ${i}`, [capacity, 2 * attention.keyHeads * attention.headWidth]);
    });
    const taps = Math.max(0, ...layers.map(({ convolution }) => convolution?.taps ?? 0));
    const reach = taps === 0 ? capacity : keptRows - (taps - 1);
    this.#marks = new CacheMarks({ capacity, reach, recurrent: layers.some(({ delta }) => delta) });
    this.#hasRows = layers.map(({ attention, delta }) => attention !== undefined && !delta);
    const attentions = layers.flatMap(({ attention }) => attention ?? []);
    const sizes = {
      heads: Math.max(1, ...attentions.map(({ heads }) => heads)),
      headWidth: Math.max(1, ...attentions.map(({ headWidth }) => headWidth)),
    };
    this.partials = decodePartials(arena, { maxKeys: capacity, ...sizes });
  }

  /** Rows that count; rows behind them are leftovers. */
  get length(): number {
    return this.#marks.length;
  }

  /** Counts `rows` more, which the caller has written. */
  advance(rows: number): void {
    this.#marks.advance(rows);
  }

  /**
   * The most rows, of the first `length` ones at most, after which others may go on. Of a convolution only the last rows are
   * kept, of a recurrent layer only a few states.
   */
  reusable(length: number): number {
    return this.#marks.reusable(length);
  }

  /** True where sequences go on only after saved points: after as many rows as `savePoint` was called at. */
  get hasSavedPoints(): boolean {
    return this.#marks.hasSavedPoints;
  }

  /** Keeps what is needed to go on after the rows so far, until two longer saved points are there. */
  savePoint(): void {
    this.#marks.savePoint();
  }

  /** Places of the states of recurrent layers, for rows after `start` ones. */
  slots(start: number): SlotStep {
    return this.#marks.slots(start);
  }

  /** Forgets all rows from `length` on, which is 0 or `reusable`. */
  truncate(length: number): void {
    this.#marks.truncate(length);
  }

  /** Which rows count and where a sequence may go on: a copy, for `restore`. */
  get marks(): CacheMarks {
    return this.#marks.clone();
  }

  /** The part of each layer's tensor that the first `rows` rows need: those rows, or all of a layer's states. */
  used(rows: number): Tensor[] {
    return this.layers.map((layer, i) => (this.#hasRows[i] ? view(layer, [rows, layer.shape[1]!]) : layer));
  }

  /** Takes over the rows of `marks`, whose values the caller has written into `used`. Throws RangeError for wrong ones. */
  restore(marks: MarkValues): void {
    this.#marks.set(marks);
  }
}
