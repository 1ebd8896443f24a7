/**
 * The state of a sequence in every layer: keys and values of each position, the gated input of a convolution's last
 * rows, or states of a recurrent layer. Allocated once for a fixed number of positions; it never grows.
 */
import type { Arena } from "../../gpu/arena.ts";
import { type Tensor, tensorByteLength, view } from "../../gpu/tensor.ts";
import { type DecodePartials, decodePartials } from "../../kernels/attention-decode.ts";
import type { DecoderSpec } from "../../spec/model-spec.ts";
import { CacheMarks, type MarkValues } from "./cache-marks.ts";
import { deltaState } from "./delta-sizes.ts";
import { type SlotStep, STATE_SLOTS } from "./state-slots.ts";

/**
 * Rows that a convolution keeps: a chunk of at most 512, and the rows by which a sequence may be truncated without a
 * new prefill. A later turn drops an answer's last tokens.
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

/** The tensors of all layers, allocated in the caller's arena. */
export class KvCache {
  readonly capacity: number;
  /**
   * For each layer [capacity, 2 Hk D], keys after RoPE, then values; for a convolution [kept rows, W], see
   * kernels/short-conv.ts; for a gated delta rule [STATE_SLOTS, deltaState], see delta-layer.ts.
   */
  readonly layers: readonly Tensor[];
  /** For attention of one row over many; undefined if the cache is too small to need it. */
  readonly partials: DecodePartials | undefined;
  readonly #marks: CacheMarks;
  /** For each layer, true if it keeps values of every row. */
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

  /** The number of valid rows; later rows are leftovers. */
  get length(): number {
    return this.#marks.length;
  }

  /** Adds `rows` rows, which the caller has written. */
  advance(rows: number): void {
    this.#marks.advance(rows);
  }

  /**
   * The largest length, at most `length`, after which a sequence may continue. A convolution keeps only its last rows,
   * a recurrent layer only a few states.
   */
  reusable(length: number): number {
    return this.#marks.reusable(length);
  }

  /** True where sequences continue only after saved points: the lengths at which `savePoint` was called. */
  get hasSavedPoints(): boolean {
    return this.#marks.hasSavedPoints;
  }

  /** Keeps the states needed to continue after the rows so far, until two longer saved points exist. */
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

  /** A copy of the valid rows and saved points, for `restore`. */
  get marks(): CacheMarks {
    return this.#marks.clone();
  }

  /** The part of each layer's tensor for the first `rows` rows: those rows, or all of a layer's states. */
  used(rows: number): Tensor[] {
    return this.layers.map((layer, i) => (this.#hasRows[i] ? view(layer, [rows, layer.shape[1]!]) : layer));
  }

  /**
   * Adopts the rows of `marks`, whose values the caller has written into `used`. Throws RangeError for marks of another
   * cache.
   */
  restore(marks: MarkValues): void {
    this.#marks.set(marks);
  }
}
