/** Keys and values of every layer for a fixed number of positions: allocated once, never grown. */
import type { Arena } from "../../gpu/arena.ts";
import { type Tensor, tensorByteLength } from "../../gpu/tensor.ts";
import { type DecodePartials, decodePartials } from "../../kernels/attention-decode.ts";
import { assert } from "../../shared/assert.ts";
import type { AttentionSpec, DecoderSpec } from "../../spec/model-spec.ts";

/** Values of keys and values of one position and layer. */
function rowWidth({ keyHeads, headWidth }: AttentionSpec): number {
  return 2 * keyHeads * headWidth;
}

/** Bytes that the cache of the widest layer takes, in one binding. */
export function layerCacheBytes({ layers }: DecoderSpec, capacity: number): number {
  const width = Math.max(...layers.map(({ attention }) => rowWidth(attention)));
  return tensorByteLength({ shape: [capacity, width], type: "f32" });
}

export class KvCache {
  readonly capacity: number;
  /** Of each layer [capacity, 2 Hk D]: keys after RoPE, then values. */
  readonly layers: readonly Tensor[];
  /** For attention of one row over many; undefined if the cache is too small to need it. */
  readonly partials: DecodePartials | undefined;
  #length = 0;

  /** Takes its buffers from `arena`, which owns them. */
  constructor(arena: Arena, { layers }: DecoderSpec, capacity: number) {
    this.capacity = capacity;
    this.layers = layers.map(({ attention }, layer) =>
      arena.tensor(`keys and values of layer ${layer}`, [capacity, rowWidth(attention)]),
    );
    const most = (size: (attention: AttentionSpec) => number) =>
      Math.max(...layers.map((layer) => size(layer.attention)));
    const sizes = { heads: most(({ heads }) => heads), headWidth: most(({ headWidth }) => headWidth) };
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
