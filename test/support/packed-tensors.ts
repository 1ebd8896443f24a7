/** Packed matrices of a file, found and decoded by the product, for tests. */
import { memorySource } from "../../src/weights/byte-source.ts";
import { isPackedEncoding, isUnpackedEncoding } from "../../src/weights/formats/encoding.ts";
import type { StoredTensors } from "../../src/weights/formats/packed-files.ts";
import type { StoredTensor } from "../../src/weights/formats/stored-tensor.ts";
import { storedTensors } from "../../src/weights/formats/stored-tensors.ts";
import { parseSafetensorsHeader } from "../../src/weights/safetensors.ts";
import { dequantise } from "../reference/packed-rows.ts";

const FILE = "model.safetensors";

/** The tensors that the product finds in a file under a config, with other files beside it. */
export function findIn(
  file: Uint8Array,
  config: object,
  beside: Readonly<Record<string, unknown>> = {},
): Promise<StoredTensors> {
  const length = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true));
  const entries = parseSafetensorsHeader(file.subarray(8, 8 + length), FILE, file.byteLength).tensors;
  const files = new Map([[FILE, memorySource(FILE, file)]]);
  return storedTensors({ entries, config: { ...config }, files, json: async (name) => beside[name] }, {});
}

/** The tensors that need a decoder. */
export function decoded({ tensors }: StoredTensors): StoredTensor[] {
  return [...tensors.values()].filter(({ encoding }) => isPackedEncoding(encoding) || isUnpackedEncoding(encoding));
}

/** The values of rows [first, first + count), in f64 where the matrix stays packed. */
export function decodeRows(file: Uint8Array, tensor: StoredTensor, first: number, count: number): ArrayLike<number> {
  const { encoding, shape } = tensor;
  const [rows, ...others] = shape as [number, ...number[]];
  const columns = others.reduce((product, size) => product * size, 1);
  const planes = Object.fromEntries(
    tensor.planes.map(({ role, start, end, rowBytes }) => {
      const all = file.subarray(start, end);
      const part = rowBytes === undefined ? all : all.subarray(first * rowBytes, (first + count) * rowBytes);
      // Shifted by a byte: no plane need be aligned.
      const shifted = new Uint8Array(part.byteLength + 1);
      shifted.set(part, 1);
      return [role, shifted.subarray(1)];
    }),
  );
  const wanted = { first, count, rows, columns, planes };
  if (isUnpackedEncoding(encoding)) return encoding.unpack(wanted);
  if (!isPackedEncoding(encoding)) throw new Error(`${tensor.name} is plain`);
  return dequantise(encoding.decode(wanted), count, columns);
}
