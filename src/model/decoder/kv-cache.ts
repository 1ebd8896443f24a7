/**
 * The state of a sequence in every layer: keys and values of each position, a convolution's last rows of gated input,
 * or recurrent states. Allocated once for a fixed number of positions; it never grows.
 */
import type { Arena } from "../../gpu/arena.ts";
import { type Tensor, tensorByteLength, view } from "../../gpu/tensor.ts";
import { type DecodePartials, decodePartials } from "../../kernels/attention-decode.ts";
import type { DecoderSpec, LayerSpec } from "../../spec/model-spec.ts";
import { CacheMarks, type MarkValues } from "./cache-marks.ts";
import { deltaState } from "./delta-sizes.ts";
import { type SlotStep, STATE_SLOTS } from "./state-slots.ts";

/**
 * Rows that a convolution keeps: a chunk of at most 512, and the rows by which a sequence may be truncated without a
 * new prefill. A later turn drops an answer's last tokens.
 */
const CONVOLUTION_ROWS = 512 + 128;

/** Storage of keys and values. States of convolutions and recurrent layers, which add up, are always f32. */
export type KeyValueType = "f32" | "f16";

/**
 * Storage of a layer's keys and values, where `wanted` is possible: f16 needs halves of heads, and of the channels that
 * turn, that 4 divides.
 */
function layerType({ attention }: LayerSpec, { rope }: DecoderSpec, wanted: KeyValueType): KeyValueType {
  if (!attention) return "f32";
  const turned = attention.rope === null ? 0 : (attention.rope ?? rope).frequencies.length;
  return attention.headWidth % 8 === 0 && turned % 4 === 0 ? wanted : "f32";
}

/** Bytes that keys, values and states of each layer take; each has a binding of its own. @param wanted as for `KvCache` */
export function layerCacheBytes(spec: DecoderSpec, capacity: number, wanted: KeyValueType = "f32"): number[] {
  return spec.layers.map((layer) => {
    const { attention, delta, cross } = layer;
    const elements = delta
      ? STATE_SLOTS * deltaState(delta)
      : capacity *
        2 *
        (cross ? cross.heads * cross.headWidth : attention ? attention.keyHeads * attention.headWidth : 0);
    return tensorByteLength({ shape: [elements], type: layerType(layer, spec, wanted) });
  });
}

/** The tensors of all layers, allocated in the caller's arena. */
export class KvCache {
  readonly capacity: number;
  /** Rows of pictures beside the sequence that layers of cross-attention have room for; 0 without such layers. */
  readonly besideCapacity: number;
  /**
   * For each layer [capacity, 2 Hk D] in f32 or f16, keys after RoPE, then values. For a convolution [kept rows, W],
   * see kernels/short-conv.ts. For a gated delta rule [STATE_SLOTS, deltaState], see delta-layer.ts. For
   * cross-attention [besideCapacity, 2 H D], keys and values of pictures.
   */
  readonly layers: readonly Tensor[];
  /** For attention of one row over many; undefined if the cache is too small to need it. */
  readonly partials: DecodePartials | undefined;
  readonly #marks: CacheMarks;
  /** For each layer, true if it keeps values of every row. */
  readonly #hasRows: readonly boolean[];
  /** Of each layer whether it keeps rows beside the sequence. */
  readonly #hasBeside: readonly boolean[];

  /** The storage of keys and values: f16 if any layer has it. */
  readonly type: KeyValueType;

  /**
   * Takes its buffers from `arena`, which owns them.
   *
   * @param besideRows of pictures, at most
   * @param wanted storage of keys and values; layers that cannot have it use f32
   */
  constructor(
    arena: Arena,
    spec: DecoderSpec,
    capacity: number,
    { besideRows = capacity, type: wanted = "f32" }: { besideRows?: number; type?: KeyValueType } = {},
  ) {
    const { layers, width, beside } = spec;
    this.capacity = capacity;
    this.besideCapacity = beside ? besideRows : 0;
    const keptRows = Math.min(capacity, CONVOLUTION_ROWS);
    const types = layers.map((layer) => layerType(layer, spec, wanted));
    this.type = types.includes("f16") ? "f16" : "f32";
    this.layers = layers.map(({ attention, delta, cross }, i) => {
      if (cross)
        return arena.tensor(`keys and values of pictures of layer ${i}`, [
          this.besideCapacity,
          2 * cross.heads * cross.headWidth,
        ]);
      if (delta) return arena.tensor(`states of layer ${i}`, [STATE_SLOTS, deltaState(delta)]);
      if (!attention) return arena.tensor(`state of layer ${i}`, [keptRows, width]);
      const columns = 2 * attention.keyHeads * attention.headWidth;
      return arena.tensor(`keys and values of layer ${i}`, [capacity, columns], types[i]);
    });
    const taps = Math.max(0, ...layers.map(({ convolution }) => convolution?.taps ?? 0));
    const reach = taps === 0 ? capacity : keptRows - (taps - 1);
    const recurrent = layers.some(({ delta }) => delta);
    this.#marks = new CacheMarks({ capacity, reach, recurrent, besideCapacity: this.besideCapacity });
    this.#hasRows = layers.map(({ attention }) => attention !== undefined);
    this.#hasBeside = layers.map(({ cross }) => cross !== undefined);
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

  /** Rows of pictures beside the sequence that count. The caller writes them, and says how many there are. */
  get beside(): number {
    return this.#marks.beside;
  }

  set beside(rows: number) {
    this.#marks.beside = rows;
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

  /** The part of each layer's tensor that a sequence needs: its rows, those beside it (at least one), or all states. */
  used({ length, beside = 0 }: Pick<MarkValues, "length" | "beside">): Tensor[] {
    return this.layers.map((layer, i) => {
      if (this.#hasBeside[i]) return view(layer, [Math.max(1, beside), layer.shape[1]!]);
      return this.#hasRows[i] ? view(layer, [length, layer.shape[1]!]) : layer;
    });
  }

  /**
   * Adopts the rows of `marks`, whose values the caller has written into `used`. Throws RangeError for marks of another
   * cache.
   */
  restore(marks: MarkValues): void {
    this.#marks.set(marks);
  }
}
