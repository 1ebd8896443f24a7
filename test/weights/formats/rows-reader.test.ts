/** Packed rows while their planes come in any order and in pieces of any length. */
import { describe, expect, test } from "vitest";
import type { PackedLayout, PlaneRole } from "../../../src/weights/formats/encoding.ts";
import type { PackedRows } from "../../../src/weights/formats/packed-rows.ts";
import { RowsReader } from "../../../src/weights/formats/rows-reader.ts";
import type { StoredTensor } from "../../../src/weights/formats/stored-tensor.ts";
import { readTensors } from "../../../src/weights/read-tensors.ts";
import { packedCheckpoint, type TestTensor } from "../../support/packed-checkpoint.ts";
import { patternBytes } from "../safetensors-file.ts";

const LAYOUT: PackedLayout = { bits: 4, group: 32, scales: "f32", bias: "free" };
const ROWS = 37;
const COLUMNS = 96;
const PACKED: PackedRows = {
  bits: 4,
  group: 32,
  integers: patternBytes((ROWS * COLUMNS) / 2, 3),
  scales: Float32Array.from({ length: ROWS * 3 }, (_, i) => i + 0.5),
  biases: Float32Array.from({ length: ROWS * 3 }, (_, i) => -i),
};
const TENSOR: TestTensor = { name: "t", shape: [ROWS, COLUMNS], packed: PACKED, layout: LAYOUT };

async function read(tensor: TestTensor, pieceBytes: number, change: (stored: StoredTensor) => StoredTensor = (t) => t) {
  const checkpoint = packedCheckpoint([tensor]);
  const stored = change(checkpoint.tensors.get("t")!);
  const changed = { ...checkpoint, tensors: new Map([["t", stored]]) };
  const reader = new RowsReader(stored);
  const result = {
    integers: new Uint8Array((ROWS * COLUMNS) / 2),
    scales: new Float32Array(ROWS * 3),
    rows: 0,
    cuts: 0,
  };
  for await (const piece of readTensors(changed, [stored], { pieceBytes }))
    for (const { first, count, packed } of reader.take(piece)) {
      expect(first).toBe(result.rows);
      result.integers.set(packed!.integers, (first * COLUMNS) / 2);
      result.scales.set(packed!.scales as Float32Array, first * 3);
      result.rows += count;
      result.cuts++;
    }
  return result;
}

describe("every order of planes", () => {
  const orders: PlaneRole[][] = [
    ["values", "scales", "biases"],
    ["biases", "scales", "values"],
    ["scales", "values", "biases"],
  ];
  test.each(orders.flatMap((planes) => [4, 100, 1 << 20].map((bytes) => [planes, bytes] as const)))(
    "%j in pieces of %i bytes",
    async (planes, pieceBytes) => {
      const { integers, scales, rows, cuts } = await read({ ...TENSOR, planes }, pieceBytes);
      expect(rows).toBe(ROWS);
      expect(integers).toEqual(PACKED.integers);
      expect(scales).toEqual(PACKED.scales);
      expect(cuts > 1).toBe(pieceBytes < 1000);
    },
  );

  test("values that are read as a whole", async () => {
    const { integers, rows } = await read({ ...TENSOR, whole: ["values", "scales"] }, 64);
    expect(rows).toBe(ROWS);
    expect(integers).toEqual(PACKED.integers);
  });

  test("pieces hold whole periods of an order of rows", async () => {
    const order = Array.from({ length: ROWS }, (_, i) => (i * 5) % ROWS);
    expect((await read({ ...TENSOR, rowOrder: { order } }, 64)).cuts).toBe(1);
  });
});

describe("what cannot be is refused", () => {
  const refused = (change: (stored: StoredTensor) => StoredTensor) =>
    expect(read(TENSOR, 64, change)).rejects.toMatchObject({ code: "bad-weights" });
  const plane = (stored: StoredTensor, role: PlaneRole, changes: object): StoredTensor => ({
    ...stored,
    planes: stored.planes.map((one) => (one.role === role ? { ...one, ...changes } : one)),
  });

  test("planes of other lengths than their rows need", async () => {
    await refused((stored) => plane(stored, "values", { end: stored.planes[0]!.end - 4 }));
    await refused((stored) => plane(stored, "scales", { rowBytes: 16 }));
  });

  test("a decoder that returns too little, or a bias without one", async () => {
    const decoding = (changes: Partial<PackedRows>) => (stored: StoredTensor) => ({
      ...stored,
      encoding: { id: "x", layout: LAYOUT, decode: () => ({ ...PACKED, ...changes }) },
    });
    await refused(decoding({ integers: new Uint8Array(5) }));
    await refused(decoding({ scales: new Float32Array(2) }));
    await refused(decoding({ biases: new Float32Array(2) }));
    await refused(decoding({ bits: 8 }));
  });

  test("a packed vector", () => {
    const stored = { ...packedCheckpoint([TENSOR]).tensors.get("t")!, shape: [ROWS * COLUMNS] };
    expect(() => new RowsReader(stored)).toThrow(/"t" in packed\.bin.*no packed matrix/);
  });
});
