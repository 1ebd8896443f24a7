/** Packed matrices of a file, found and decoded by the product, for tests. */

import type { PackedTensor } from "../../src/weights/formats/packed/packed-tensor.ts";
import { findPacked, type PackedFiles, readPacking } from "../../src/weights/formats/packed/packing.ts";
import { parseSafetensorsHeader, type TensorEntry } from "../../src/weights/safetensors.ts";
import { dequantise } from "../reference/packed-rows.ts";

export function entriesOf(file: Uint8Array): ReadonlyMap<string, TensorEntry> {
  const length = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true));
  return parseSafetensorsHeader(file.subarray(8, 8 + length), "model.safetensors", file.byteLength).tensors;
}

/** What the product finds in a file under a config. */
export function findIn(file: Uint8Array, files: Readonly<Record<string, unknown>>): Promise<PackedFiles> {
  const entries = entriesOf(file);
  return findPacked(readPacking(files), entries, async ({ start, end }) => file.subarray(start, end));
}

/** The values of rows [first, first + rows), in f64 where the matrix stays packed. */
export function decodeRows(file: Uint8Array, tensor: PackedTensor, first: number, rows: number): ArrayLike<number> {
  const { encoding, planes, shape } = tensor;
  const bytes = Object.fromEntries(
    Object.entries(planes).map(([role, entry]) => {
      const all = file.subarray(entry!.start, entry!.end);
      const perRow = all.byteLength / shape[0]!;
      const isByRow = (encoding.rowPlanes as readonly string[]).includes(role);
      // Shifted by a byte: no plane need be aligned.
      const part = isByRow ? all.subarray(first * perRow, (first + rows) * perRow) : all;
      const shifted = new Uint8Array(part.byteLength + 1);
      shifted.set(part, 1);
      return [role, shifted.subarray(1)];
    }),
  );
  const decoded = encoding.decode({ first, rows, planes: bytes });
  return decoded instanceof Float32Array ? decoded : dequantise(decoded, rows, shape[1]!);
}
