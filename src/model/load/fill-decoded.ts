/**
 * Tensors whose rows are decoded or stand in another order, on their way to the GPU. fill.ts loads this code with the first
 * of them.
 */
import type { Gpu } from "../../gpu/device.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { assert } from "../../shared/assert.ts";
import { elementCount } from "../../shared/shape.ts";
import { ordered, orderedRows, unpackedRows } from "../../weights/formats/arrange-rows.ts";
import { isDecoded } from "../../weights/formats/encoding.ts";
import { type DecodedRows, RowsReader } from "../../weights/formats/rows-reader.ts";
import type { TensorPiece } from "../../weights/read-tensors.ts";
import type { MatchedPart } from "./match.ts";
import { cutRows, holdsRows, RowWriter } from "./write-rows.ts";

/** Where the rows of a part go. */
interface DecodedTarget {
  part: MatchedPart;
  /** Of the whole weight. */
  buffers: readonly Tensor[];
}

/** Writes f32 values from byte `byteOffset` of a part on. */
type WriteValues<T extends DecodedTarget> = (target: T, byteOffset: number, bytes: Uint8Array) => void;

export class DecodedFill<T extends DecodedTarget> {
  readonly #readers = new Map<T, RowsReader>();
  readonly #writer: RowWriter;
  readonly #write: WriteValues<T>;

  constructor(gpu: Gpu, write: WriteValues<T>) {
    this.#writer = new RowWriter(gpu);
    this.#write = write;
  }

  /** Parts with scales that f16 does not hold. */
  get misfits(): ReadonlySet<MatchedPart> {
    return this.#writer.misfits;
  }

  /** Expects the pieces of a part whose encoding is decoded. Throws FoveaError `bad-weights` for planes of impossible lengths. */
  expect(target: T): void {
    if (isDecoded(target.part.entry.encoding)) this.#readers.set(target, new RowsReader(target.part.entry));
  }

  /** Writes the rows that a piece completes: as they are where the weight is kept so, otherwise as numbers. */
  take(target: T, piece: TensorPiece): void {
    const reader = this.#readers.get(target);
    if (reader) for (const rows of reader.take(piece)) this.#rows(target, rows);
    else this.#write(target, piece.byteOffset, inOrder(piece));
  }

  #rows(target: T, decoded: DecodedRows): void {
    const { part, buffers } = target;
    const { first, count } = decoded;
    const columns = elementCount(part.entry.shape.slice(1));
    const order = part.entry.rowOrder;
    if (decoded.packed) {
      const packed = order ? orderedRows(decoded.packed, count, order) : decoded.packed;
      const cuts = [...cutRows(buffers, part.to + first, count)];
      if (cuts.every(({ y }) => holdsRows(y, packed)))
        for (const cut of cuts) this.#writer.write({ part, packed, rows: count, ...cut });
      else this.#values(target, first * columns, unpackedRows(packed, count, columns));
    } else this.#values(target, first * columns, order ? ordered(decoded.values, count, order.order) : decoded.values);
  }

  #values(target: T, first: number, { buffer, byteOffset, byteLength }: Float32Array): void {
    this.#write(target, 4 * first, new Uint8Array(buffer, byteOffset, byteLength));
  }
}

/** The bytes of a piece of plain values, with its rows in the family's order. */
function inOrder({ tensor: { rowOrder }, plane, bytes }: TensorPiece): Uint8Array {
  if (!rowOrder) return bytes;
  assert(plane.rowBytes, `${plane.name}: an order of rows of unknown length`);
  return ordered(bytes as Uint8Array, bytes.byteLength / plane.rowBytes, rowOrder.order);
}
