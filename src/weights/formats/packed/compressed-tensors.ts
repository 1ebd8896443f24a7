/**
 * compressed-tensors (llm-compressor, vLLM): integers of 4 or 8 bits, with value = (q - z) * scale for groups, rows or
 * the whole matrix. They are stored as unsigned words ("pack-quantized") or signed bytes ("naive-quantized",
 * "int-quantized").
 */
import { shown } from "../../../shared/json.ts";
import { elementCount } from "../../../shared/shape.ts";
import type { TensorEntry } from "../../safetensors.ts";
import type { PackedEncoding, StoredRows } from "../encoding.ts";
import type { PackedRows } from "../packed-rows.ts";
import type { StoredTensor } from "../stored-tensor.ts";
import { type CompressedGroup, groupOf, readGroups } from "./compressed-groups.ts";
import type { PackingConfig } from "./config.ts";
import { flipSigns, readNumbers, readWords, spreadGroups } from "./integers.ts";
import {
  badTensor,
  checkEntry,
  FLOAT_DTYPES,
  needEntry,
  type PackedMatrix,
  packedGroup,
  planesOf,
  scaleType,
  unsupportedTensor,
} from "./packed-tensor.ts";

/** Tensors of a quantised KV cache. The engine keeps the cache in floats, so it needs none of them. */
const CACHE_TENSOR = /\.[kvq]_(scale|zero_point)$/;

export interface Compressed {
  tensors: StoredTensor[];
  /** Tensors that are not needed. */
  spare: string[];
  notes: string[];
}

/** Finds the packed matrices of a file: a module with packed words, or with bytes and a scale. */
export function findCompressed(config: PackingConfig, entries: ReadonlyMap<string, TensorEntry>): Compressed {
  const { groups, notes } = readGroups(config);
  const tensors: StoredTensor[] = [];
  for (const { name, dtype } of entries.values()) {
    const module = name.slice(0, name.lastIndexOf("."));
    const isPacked = name.endsWith(".weight_packed");
    if (isPacked || (name.endsWith(".weight") && dtype === "I8"))
      tensors.push(describe(module, groups, entries, isPacked));
    else if (name.endsWith(".weight_scale")) {
      const plain = entries.get(`${module}.weight`);
      if (!plain) needEntry(entries, `${module}.weight_packed`);
      else if (plain.dtype !== "I8")
        throw unsupportedTensor(plain.name, `is ${plain.dtype} and has a scale; I8 is supported`);
    }
  }
  return { tensors, spare: [...entries.keys()].filter((name) => CACHE_TENSOR.test(name)), notes };
}

function describe(
  module: string,
  groups: readonly CompressedGroup[],
  entries: ReadonlyMap<string, TensorEntry>,
  isPacked: boolean,
): StoredTensor {
  const values = entries.get(isPacked ? `${module}.weight_packed` : `${module}.weight`)!;
  const scales = needEntry(entries, `${module}.weight_scale`);
  const { bits, group: size } = groupOf(groups, module, { values, scales, isPacked });
  const [rows, words] = values.shape as [number, number];
  if (values.shape.length !== 2) throw badTensor(values.name, `has ${values.shape.length} dimensions; 2 are supported`);
  if (isPacked) checkEntry(values, ["I32", "U32"], values.shape, "");
  const columns = isPacked ? (words * 32) / bits : words;
  // A row or the whole matrix has one scale; in a group of all columns both read alike.
  const group = size === "row" || size === "matrix" ? Math.max(columns, 1) : size;
  const count = Math.ceil(columns / group);
  if (size === "matrix" && elementCount(scales.shape) === 1) checkEntry(scales, FLOAT_DTYPES, scales.shape, "");
  else if (size === "row" && scales.shape.length === 1) checkEntry(scales, FLOAT_DTYPES, [rows], "for a scale a row");
  else
    checkEntry(
      scales,
      FLOAT_DTYPES,
      [rows, count],
      size === "row" || size === "matrix" ? "for a scale a row" : `for groups of ${group} in rows of ${columns}`,
    );
  const [zeros, order, shape] = ["weight_zero_point", "weight_g_idx", "weight_shape"].map((part) =>
    entries.get(`${module}.${part}`),
  );
  const packedZeros = isPacked && zeros?.dtype === "I32";
  if (zeros && packedZeros)
    checkEntry(zeros, ["I32"], [Math.ceil((rows * bits) / 32), count], `for the groups of ${rows} rows`);
  else if (zeros) {
    const zeroShape = elementCount(zeros.shape) === elementCount(scales.shape) ? zeros.shape : scales.shape;
    checkEntry(zeros, ["I8"], zeroShape, "as the scales have");
  }
  if (order) checkEntry(order, ["I32", "I64"], [columns], "for the columns");
  if (shape) checkEntry(shape, ["I64", "I32"], [2], "for rows and columns");
  const name = `${module}.weight`;
  const found = { values, scales, ...(zeros && { zeros }), ...(order && { order }), ...(shape && { shape }) };
  const matrix = { name, shape: [rows, columns] as const, entries: found };
  const isShared = elementCount(scales.shape) === 1 && rows > 1;
  return {
    name,
    shape: matrix.shape,
    encoding: integers(matrix, { bits, group, isPacked, packedZeros, isShared }),
    planes: planesOf(found, rows, isShared ? ["values"] : ["values", "scales"]),
  };
}

interface Stored {
  bits: 4 | 8;
  group: number;
  isPacked: boolean;
  packedZeros: boolean;
  /** One scale for the whole matrix. */
  isShared: boolean;
}

function integers(
  { name, shape: [allRows, columns], entries }: PackedMatrix,
  { bits, group, isPacked, packedZeros, isShared }: Stored,
): PackedEncoding {
  const to = packedGroup(name, group, columns);
  const groups = Math.ceil(columns / group);
  const half = 2 ** (bits - 1);
  return {
    id: `int${bits} ${group >= columns ? (isShared ? "tensor" : "row") : `g${group}`}`,
    layout: { bits, group: to, scales: scaleType(entries.scales!.dtype), bias: entries.zeros ? "zeros" : "none" },
    decode({ first, count: rows, planes }: StoredRows): PackedRows {
      if (planes.shape) checkShape(entries.shape!, planes.shape, [allRows, columns]);
      if (planes.order) checkOrder(entries.order!, planes.order, group);
      const stored = readNumbers(planes.scales!, entries.scales!);
      const scales = isShared ? new Float32Array(rows).fill(stored[0]!) : stored;
      const values = planes.values!.slice();
      const result = {
        bits,
        group: to,
        integers: isPacked && bits === 8 ? flipSigns(values) : values,
        scales: spreadGroups(scales, columns, group, to),
      };
      if (!planes.zeros) return result;
      const biases = new Float32Array(scales.length);
      const zeroAt = packedZeros
        ? zerosAlongRows(planes.zeros, bits, groups)
        : zerosOfBytes(planes.zeros, isShared ? 0 : groups);
      for (let row = 0; row < rows; row++)
        for (let g = 0; g < groups; g++)
          biases[row * groups + g] =
            (packedZeros ? half - zeroAt(first + row, g) : -zeroAt(first + row, g)) * scales[row * groups + g]!;
      return { ...result, biases: spreadGroups(biases, columns, group, to) };
    },
  };
}

/** Zero points of 4 or 8 bits in words [ceil(rows * bits / 32), groups]: consecutive rows share a word. */
function zerosAlongRows(bytes: Uint8Array, bits: 4 | 8, groups: number): (row: number, group: number) => number {
  const words = readWords(bytes);
  const perWord = 32 / bits;
  return (row, group) =>
    (words[Math.floor(row / perWord) * groups + group]! >>> (bits * (row % perWord))) & (2 ** bits - 1);
}

/** Signed bytes, [rows, groups] or one for all rows. */
function zerosOfBytes(bytes: Uint8Array, groups: number): (row: number, group: number) => number {
  const zeros = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (row, group) => zeros[row * groups + group]!;
}

function checkShape(entry: TensorEntry, bytes: Uint8Array, [rows, columns]: readonly [number, number]): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const said = [0, 1].map((i) =>
    entry.dtype === "I64" ? Number(view.getBigInt64(8 * i, true)) : view.getInt32(4 * i, true),
  );
  if (said[0] !== rows || said[1] !== columns)
    throw badTensor(entry.name, `says [${said}]; the words and the config say [${rows}, ${columns}]`);
}

function checkOrder(entry: TensorEntry, bytes: Uint8Array, group: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let column = 0; column < entry.shape[0]!; column++) {
    const at = entry.dtype === "I64" ? Number(view.getBigInt64(8 * column, true)) : view.getInt32(4 * column, true);
    if (at !== Math.floor(column / group))
      throw unsupportedTensor(
        entry.name,
        `puts column ${column} into group ${shown(at)}; columns in activation order are not supported, use a checkpoint with actorder "weight"`,
      );
  }
}
