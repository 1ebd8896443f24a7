/**
 * Decodes a packed tensor while its planes stream in, in whatever order a file has them. Small planes are kept until the
 * last of them is there; from then on, rows of the values are decoded at once.
 */
import { FoveaError } from "../../errors.ts";
import { quoted } from "../../shared/json.ts";
import { NEST } from "../../shared/nest.ts";
import { elementCount } from "../../shared/shape.ts";
import type { TensorPiece } from "../read-tensors.ts";
import {
  isDecoded,
  isPackedEncoding,
  type PackedEncoding,
  type PackedLayout,
  type PlaneRole,
  type UnpackedEncoding,
} from "./encoding.ts";
import type { GroupNumbers, PackedRows } from "./packed-rows.ts";
import type { Plane, StoredTensor } from "./stored-tensor.ts";

/** Rows [first, first + count) of a tensor: integers in groups, or where an encoding has none, plain values. */
export type DecodedRows = { readonly first: number; readonly count: number } & (
  | { readonly packed: PackedRows }
  | { readonly packed?: undefined; readonly values: Float32Array<ArrayBuffer> }
);

/** Bytes that are decoded at a time where the values lie in memory as a whole. */
const SLICE_BYTES = 1 << 20;
/** Longest plane that is kept in memory. */
const MAX_KEPT_BYTES = 2 ** 30;

export class RowsReader {
  readonly #tensor: StoredTensor;
  readonly #encoding: PackedEncoding | UnpackedEncoding;
  readonly #rows: number;
  readonly #columns: number;
  /** Planes that decoding needs as a whole, as far as they have come. */
  readonly #kept = new Map<Plane, Uint8Array>();
  #missing: number;
  /** Rows of values that came before the rest. */
  #early: { byteOffset: number; bytes: Uint8Array }[] = [];

  /** Throws FoveaError `bad-weights` for planes whose lengths cannot be. */
  constructor(tensor: StoredTensor) {
    const { shape, encoding, planes } = tensor;
    // Integers in groups are matrices; plain numbers may have more dimensions, as convolutions do.
    if (!isDecoded(encoding) || (isPackedEncoding(encoding) && shape.length !== 2) || shape.length < 2)
      throw this.#bad(tensor, "it is no packed matrix");
    this.#rows = shape[0]!;
    this.#columns = elementCount(shape.slice(1));
    this.#tensor = tensor;
    this.#encoding = encoding;
    for (const plane of planes) {
      const length = plane.end - plane.start;
      if (plane.rowBytes !== undefined && length !== plane.rowBytes * this.#rows)
        throw this.#bad(
          tensor,
          `its ${plane.role} have ${length} bytes, ${this.#rows} rows of ${plane.rowBytes} bytes need ${plane.rowBytes * this.#rows}`,
        );
      if (isStreamed(plane)) continue;
      if (length > MAX_KEPT_BYTES)
        throw this.#bad(tensor, `its ${plane.role} have ${length} bytes, the limit is ${MAX_KEPT_BYTES}`);
      this.#kept.set(plane, new Uint8Array(length));
    }
    this.#missing = this.#kept.size;
  }

  /** The rows that a piece completes. Copies what it keeps of the piece. */
  *take({ plane, byteOffset, bytes, last }: TensorPiece): Generator<DecodedRows, void, undefined> {
    const kept = this.#kept.get(plane);
    if (!kept) {
      if (this.#missing === 0) yield* this.#streamed(plane, byteOffset, bytes);
      else this.#early.push({ byteOffset, bytes: bytes.slice() });
      return;
    }
    kept.set(bytes, byteOffset);
    if (!last) return;
    this.#missing--;
    if (this.#missing > 0) return;
    const values = this.#tensor.planes.find(isStreamed);
    if (!values) {
      yield* this.#slices();
      return;
    }
    const early = this.#early;
    this.#early = [];
    for (const rows of early) yield* this.#streamed(values, rows.byteOffset, rows.bytes);
  }

  /** Rows of values that lie in memory. */
  *#slices(): Generator<DecodedRows, void, undefined> {
    const period = this.#tensor.rowOrder?.order.length ?? 1;
    const bits = isPackedEncoding(this.#encoding) ? this.#encoding.layout.bits : 32;
    const rowBytes = Math.max(1, (this.#columns * bits) / 8);
    const step = Math.max(1, Math.floor(SLICE_BYTES / rowBytes / period)) * period;
    for (let first = 0; first < this.#rows; first += step)
      yield this.#decode(first, Math.min(step, this.#rows - first), undefined);
  }

  *#streamed(plane: Plane, byteOffset: number, bytes: Uint8Array): Generator<DecodedRows, void, undefined> {
    const rowBytes = plane.rowBytes!;
    if (bytes.byteLength > 0) yield this.#decode(byteOffset / rowBytes, bytes.byteLength / rowBytes, bytes);
  }

  #decode(first: number, count: number, values: Uint8Array | undefined): DecodedRows {
    const [rows, columns] = [this.#rows, this.#columns];
    const planes: Partial<Record<PlaneRole, Uint8Array>> = values ? { values } : {};
    for (const [{ role, rowBytes }, bytes] of this.#kept)
      planes[role] = rowBytes === undefined ? bytes : bytes.subarray(first * rowBytes, (first + count) * rowBytes);
    const stored = { first, count, rows, columns, planes };
    if (!isPackedEncoding(this.#encoding)) return { first, count, values: this.#encoding.unpack(stored) };
    const packed = this.#encoding.decode(stored);
    this.#check(count, packed, this.#encoding.layout);
    return { first, count, packed };
  }

  /** A decoder is told by an untrusted file how long its planes are. */
  #check(count: number, packed: PackedRows, layout: PackedLayout): void {
    const { bits, group, integers, high, scales, biases } = packed;
    const values = count * this.#columns;
    const groups = count * Math.ceil(this.#columns / layout.group);
    const has = (numbers: GroupNumbers) =>
      numbers instanceof Float32Array
        ? layout.scales !== "nested" && numbers.length === groups
        : layout.scales === "nested" && numbers.counts.length === groups && numbers.units.length === values / NEST;
    const own = bits === 8 ? 8 : 4;
    const isRight =
      bits === layout.bits &&
      group === layout.group &&
      integers.byteLength === (values * own) / 8 &&
      (high?.byteLength ?? 0) === (values * (bits - own)) / 8 &&
      has(scales) &&
      (layout.bias === "none" ? biases === undefined : biases !== undefined && has(biases));
    if (!isRight)
      throw this.#bad(
        this.#tensor,
        `${count} rows gave ${integers.byteLength} bytes of integers and ${countOf(scales)} scales, expected ${(values * own) / 8} and ${groups}`,
      );
  }

  #bad({ name, encoding, shape, planes }: StoredTensor, what: string): FoveaError {
    return new FoveaError(
      "bad-weights",
      `tensor ${quoted(name)} in ${planes[0]?.file}, ${encoding.id} of shape [${shape.join(", ")}]: ${what}; the file is damaged, fetch it again`,
    );
  }
}

function countOf(numbers: GroupNumbers): number {
  return numbers instanceof Float32Array ? numbers.length : numbers.counts.length;
}

/** True if rows of a plane are decoded as they come. */
function isStreamed({ role, rowBytes }: Plane): boolean {
  return role === "values" && rowBytes !== undefined;
}
