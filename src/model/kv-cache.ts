/** Keys and values of every layer for a fixed number of positions: allocated once, never grown. */
import type { Arena } from "../gpu/arena.ts";
import { type Tensor, tensorByteLength } from "../gpu/tensor.ts";
import { type DecodePartials, decodePartials } from "../kernels/attention-decode.ts";
import { assert } from "../shared/assert.ts";
import type { DecoderConfig } from "./config.ts";

/** Values of keys and values of one position and layer. */
function rowWidth({ keyHeads, headWidth }: DecoderConfig): number {
  return 2 * keyHeads * headWidth;
}

/** Bytes that one layer's cache takes, in one binding. */
export function layerCacheBytes(config: DecoderConfig, capacity: number): number {
  return tensorByteLength({ shape: [capacity, rowWidth(config)], type: "f32" });
}

export class KvCache {
  readonly capacity: number;
  /** Of each layer [capacity, 2 Hk D]: keys after RoPE, then values. */
  readonly layers: readonly Tensor[];
  /** For attention of one row over many; undefined if the cache is too small to need it. */
  readonly partials: DecodePartials | undefined;
  #length = 0;

  /** Takes its buffers from `arena`, which owns them. */
  constructor(arena: Arena, config: DecoderConfig, capacity: number) {
    const shape = [capacity, rowWidth(config)];
    this.capacity = capacity;
    this.layers = Array.from({ length: config.layers }, (_, layer) =>
      arena.tensor(`keys and values of layer ${layer}`, shape),
    );
    this.partials = decodePartials(arena, { maxKeys: capacity, heads: config.heads, headWidth: config.headWidth });
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
