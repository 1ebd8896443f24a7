/** Transposed tensors of a file: every value goes where a nested loop says, whatever the pieces are. */
import { describe, expect, test } from "vitest";
import { type Piece, transposed } from "../../../src/model/load/transpose.ts";

interface NamedPiece extends Piece {
  name: string;
}

/** All tensors in pieces of so many bytes, which share one buffer as readTensors' do. */
async function* cut(tensors: Record<string, Uint8Array>, pieceBytes: number): AsyncGenerator<NamedPiece> {
  const buffer = new Uint8Array(pieceBytes);
  for (const [name, all] of Object.entries(tensors))
    for (let byteOffset = 0; byteOffset < all.byteLength; byteOffset += pieceBytes) {
      const part = all.subarray(byteOffset, byteOffset + pieceBytes);
      buffer.set(part);
      yield {
        name,
        byteOffset,
        bytes: buffer.subarray(0, part.byteLength),
        last: byteOffset + pieceBytes >= all.byteLength,
      };
    }
}

describe.for([2, 4] as const)("values of %d bytes", (elementBytes) => {
  const arrayOf = (values: number[]) => (elementBytes === 4 ? Uint32Array.from(values) : Uint16Array.from(values));

  test.for([
    { rows: 5, cols: 3, count: 1, pieceBytes: 8 },
    { rows: 5, cols: 3, count: 1, pieceBytes: 4096 },
    { rows: 3, cols: 4, count: 7, pieceBytes: 12 },
    { rows: 1, cols: 6, count: 2, pieceBytes: 4 },
  ])("$count matrices of $rows x $cols in pieces of $pieceBytes bytes", async ({ rows, cols, count, pieceBytes }) => {
    const size = rows * cols * count;
    const values = arrayOf(Array.from({ length: size }, (_, i) => i + 7));
    const plain = arrayOf(Array.from({ length: 10 }, (_, i) => 100 + i));
    const bytes = (array: Uint16Array | Uint32Array) => new Uint8Array(array.buffer);
    const pieces = cut({ plain: bytes(plain), turned: bytes(values), after: bytes(plain) }, pieceBytes);
    const byteLength = size * elementBytes;
    const read: Record<string, number[]> = { plain: [], turned: [], after: [] };
    const ended: string[] = [];
    const layout = { rows, cols, byteLength, elementBytes, name: "turned" };
    for await (const piece of transposed(pieces, ({ name }) => (name === "turned" ? layout : undefined), pieceBytes)) {
      expect(piece.bytes.byteLength).toBeLessThanOrEqual(pieceBytes);
      expect(piece.byteOffset).toBe(read[piece.name]!.length);
      read[piece.name]!.push(...piece.bytes);
      if (piece.last) ended.push(piece.name);
    }
    const expected: number[] = [];
    for (let matrix = 0; matrix < count; matrix++)
      for (let col = 0; col < cols; col++)
        for (let row = 0; row < rows; row++) expected.push(values[(matrix * rows + row) * cols + col]!);
    expect(read.turned).toEqual([...bytes(arrayOf(expected))]);
    expect(read.plain).toEqual([...bytes(plain)]);
    expect(read.after).toEqual([...bytes(plain)]);
    expect(ended).toEqual(["plain", "turned", "after"]);
  });
});

test("a tensor that would not fit in memory is refused before it is allocated", async () => {
  const layout = { rows: 2, cols: 2, byteLength: 2 ** 40, elementBytes: 4, name: "proj" };
  const run = async () => {
    for await (const _ of transposed(cut({ proj: new Uint8Array(16) }, 8), () => layout, 8));
  };
  await expect(run()).rejects.toMatchObject({ code: "unsupported-model", message: expect.stringContaining("proj") });
});
