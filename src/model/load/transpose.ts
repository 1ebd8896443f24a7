/**
 * Transposes tensors that files hold transposed: each is read whole, turned, and passed on in pieces like other
 * tensors.
 */
import { FoveaError } from "../../errors.ts";

/** A part of a tensor, as readTensors yields it. */
export interface Piece {
  readonly byteOffset: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly last: boolean;
}

/** The layout of a tensor in its file: matrices [rows, cols], one after another. */
export interface TransposedBytes {
  rows: number;
  cols: number;
  /** Of the whole tensor. */
  byteLength: number;
  elementBytes: number;
  /** For messages. */
  name: string;
}

/** Connectors of published models have at most 16 million values. */
const MAX_BYTES = 256 << 20;

/**
 * The pieces, with each transposed tensor's matrices [rows, cols] turned to [cols, rows]. Holds one such tensor at a time.
 *
 * @param of returns the layout of a piece's tensor in its file; undefined for one that stays as it is
 * @param pieceBytes of turned tensors at most
 * @throws FoveaError `unsupported-model` for a transposed tensor of more than 256 MiB
 */
export async function* transposed<P extends Piece>(
  pieces: AsyncIterable<P>,
  of: (piece: P) => TransposedBytes | undefined,
  pieceBytes: number,
): AsyncGenerator<P, void, undefined> {
  let whole: Uint8Array<ArrayBuffer> | undefined;
  for await (const piece of pieces) {
    const layout = of(piece);
    if (!layout || piece.bytes.byteLength === 0) {
      yield piece;
      continue;
    }
    whole ??= allocate(layout);
    whole.set(piece.bytes, piece.byteOffset);
    if (!piece.last) continue;
    const turned = turn(whole, layout);
    whole = undefined;
    for (let byteOffset = 0; byteOffset < turned.byteLength; byteOffset += pieceBytes) {
      const bytes = turned.subarray(byteOffset, byteOffset + pieceBytes);
      yield { ...piece, byteOffset, bytes, last: byteOffset + pieceBytes >= turned.byteLength };
    }
  }
}

function allocate({ byteLength, name }: TransposedBytes): Uint8Array<ArrayBuffer> {
  if (byteLength > MAX_BYTES)
    throw new FoveaError(
      "unsupported-model",
      `tensor ${name} has ${byteLength} bytes and is to be transposed; at most ${MAX_BYTES} are supported`,
    );
  return new Uint8Array(byteLength);
}

function turn(bytes: Uint8Array<ArrayBuffer>, { rows, cols, elementBytes }: TransposedBytes): Uint8Array<ArrayBuffer> {
  const count = bytes.byteLength / elementBytes;
  const values = elementBytes === 4 ? new Uint32Array(bytes.buffer, 0, count) : new Uint16Array(bytes.buffer, 0, count);
  const turned = elementBytes === 4 ? new Uint32Array(count) : new Uint16Array(count);
  for (let first = 0; first < count; first += rows * cols)
    for (let row = 0; row < rows; row++)
      for (let col = 0; col < cols; col++) turned[first + col * rows + row] = values[first + row * cols + col]!;
  return new Uint8Array(turned.buffer);
}
