/**
 * What every layer keeps of each position, for a fixed number of positions: keys and values, or the gated input of a
 * convolution. A convolution needs the last few rows only, but prompts go on from any earlier row. Allocated once, never grown.
 */
import type { Arena } from "../../gpu/arena.ts";
import { type Tensor, tensorByteLength } from "../../gpu/tensor.ts";
import { type DecodePartials, decodePartials } from "../../kernels/attention-decode.ts";
import { assert } from "../../shared/assert.ts";
import type { DecoderSpec, LayerSpec } from "../../spec/model-spec.ts";

/** Values that a layer keeps of a position. @param width W */
function rowWidth({ attention }: LayerSpec, width: number): number {
  return attention ? 2 * attention.keyHeads * attention.headWidth : width;
}

/** Bytes that the cache of the widest layer takes, in one binding. */
export function layerCacheBytes({ layers, width }: DecoderSpec, capacity: number): number {
  const widest = Math.max(...layers.map((layer) => rowWidth(layer, width)));
  return tensorByteLength({ shape: [capacity, widest], type: "f32" });
}

export class KvCache {
  readonly capacity: number;
  /** Of each layer [capacity, 2 Hk D], keys after RoPE, then values; of a convolution [capacity, W]. */
  readonly layers: readonly Tensor[];
  /** For attention of one row over many; undefined if the cache is too small to need it. */
  readonly partials: DecodePartials | undefined;
  #length = 0;

  /** Takes its buffers from `arena`, which owns them. */
  constructor(arena: Arena, { layers, width }: DecoderSpec, capacity: number) {
    this.capacity = capacity;
    this.layers = layers.map((layer, i) =>
      arena.tensor(`keys and values of layer ${i}`, [capacity, rowWidth(layer, width)]),
    );
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
  }

  /** Forgets all rows from `length` on. */
  truncate(length: number): void {
    assert(length <= this.#length, `cannot truncate ${this.#length} rows to ${length}`);
    this.#length = length;
  }
}
