/**
 * What every layer keeps of a sequence: keys and values of each position, or the gated input of a convolution's last rows.
 * Allocated once for a fixed number of positions, never grown.
 */
import type { Arena } from "../../gpu/arena.ts";
import { type Tensor, tensorByteLength } from "../../gpu/tensor.ts";
import { type DecodePartials, decodePartials } from "../../kernels/attention-decode.ts";
import { assert } from "../../shared/assert.ts";
import type { DecoderSpec } from "../../spec/model-spec.ts";

/**
 * Rows that a convolution keeps: a chunk of at most 512, and those that a sequence may go back by without running anew. A
 * later turn goes back by an answer's last tokens.
 */
const CONVOLUTION_ROWS = 512 + 128;

/** Bytes that the cache of the widest layer takes, in one binding. */
export function layerCacheBytes({ layers }: DecoderSpec, capacity: number): number {
  const widths = layers.map(({ attention }) => (attention ? 2 * attention.keyHeads * attention.headWidth : 0));
  return tensorByteLength({ shape: [capacity, Math.max(...widths)], type: "f32" });
}

export class KvCache {
  readonly capacity: number;
  /** Of each layer [capacity, 2 Hk D], keys after RoPE, then values; of a convolution [kept rows, W], see kernels/short-conv.ts. */
  readonly layers: readonly Tensor[];
  /** For attention of one row over many; undefined if the cache is too small to need it. */
  readonly partials: DecodePartials | undefined;
  /** Rows that a sequence may go back by. */
  readonly #reach: number;
  #length = 0;
  /** The largest length since the sequence began. */
  #longest = 0;

  /** Takes its buffers from `arena`, which owns them. */
  constructor(arena: Arena, { layers, width }: DecoderSpec, capacity: number) {
    this.capacity = capacity;
    const keptRows = Math.min(capacity, CONVOLUTION_ROWS);
    this.layers = layers.map(({ attention }, i) =>
      attention
        ? arena.tensor(`keys and values of layer ${i}`, [capacity, 2 * attention.keyHeads * attention.headWidth])
        : arena.tensor(`state of layer ${i}`, [keptRows, width]),
    );
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
    this.#length += rows;
    this.#longest = Math.max(this.#longest, this.#length);
  }

  /** Whether rows may go on after the first `length` ones: of a convolution only the last rows are kept. */
  canTruncate(length: number): boolean {
    return length === 0 || this.#longest - length <= this.#reach || this.#longest <= this.#reach;
  }

  /** Forgets all rows from `length` on. */
  truncate(length: number): void {
    assert(length <= this.#length && this.canTruncate(length), `cannot truncate ${this.#length} rows to ${length}`);
    this.#length = length;
    if (length === 0) this.#longest = 0;
  }
}
