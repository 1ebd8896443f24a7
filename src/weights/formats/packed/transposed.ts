/**
 * Matrices that AWQ and GPTQ store transposed, with value = (q - z) * scale. Their words run along the columns of the
 * matrix (the inputs); scales and zero points are [groups, rows].
 */
import type { TensorEntry } from "../../safetensors.ts";
import type { PackedEncoding, StoredRows, UnpackedEncoding } from "../encoding.ts";
import type { PackedRows } from "../packed-rows.ts";
import type { StoredTensor } from "../stored-tensor.ts";
import { readNumbers, readWords, spreadGroups } from "./integers.ts";
import {
  badTensor,
  checkEntry,
  FLOAT_DTYPES,
  needEntry,
  type PackedMatrix,
  packedGroup,
  planesOf,
  scaleType,
} from "./packed-tensor.ts";

/** Where a format puts the integers of a matrix [R, C]. */
export interface TransposedFormat {
  /** For people. */
  name: string;
  bits: 4 | 8;
  /** Columns that share a scale; 0 for all. */
  group: number;
  /** Added to a stored zero point. */
  zeroOffset: 0 | 1;
  /** Every zero point is the middle, so that the matrix needs no biases. */
  isSymmetric: boolean;
  /** Which dimension of the file's [C, R] the words run along. */
  along: "columns" | "rows";
  /** Of the number in each field of a word, its place among its neighbours. Lowest field first. */
  places: readonly number[];
}

/** The `g_idx` of modules where it was read, because their columns may be in any order. */
export type Orders = ReadonlyMap<string, Int32Array>;

/**
 * Describes a module by its tensors `qweight`, `qzeros`, `scales` and `g_idx`.
 *
 * @param columnGroups its `g_idx`, where that was read; otherwise columns must be in the order of their groups
 * @throws FoveaError `bad-weights` for tensors that are missing or misshaped, or a group that does not exist
 */
export function describeTransposed(
  module: string,
  format: TransposedFormat,
  entries: ReadonlyMap<string, TensorEntry>,
  columnGroups?: Int32Array,
): StoredTensor {
  const [values, scales] = ["qweight", "scales"].map((part) => needEntry(entries, `${module}.${part}`)) as [
    TensorEntry,
    TensorEntry,
  ];
  const [zeros, order] = ["qzeros", "g_idx"].map((part) => entries.get(`${module}.${part}`));
  const perWord = 32 / format.bits;
  if (values.shape.length !== 2) throw badTensor(values.name, `has ${values.shape.length} dimensions; 2 are needed`);
  checkEntry(values, ["I32", "U32"], values.shape, "");
  const isAlongRows = format.along === "rows";
  const columns = values.shape[0]! * (isAlongRows ? 1 : perWord);
  const rows = values.shape[1]! * (isAlongRows ? perWord : 1);
  const group = Math.min(format.group || columns, columns);
  const groups = Math.ceil(columns / group);
  checkEntry(scales, FLOAT_DTYPES, [groups, rows], `for groups of ${group} of ${columns} columns`);
  if (zeros)
    checkEntry(zeros, ["I32", "U32"], [groups, Math.ceil(rows / perWord)], `for ${groups} groups of ${rows} rows`);
  if (order) checkEntry(order, ["I32"], [columns], "for the columns");
  const name = `${module}.weight`;
  const found = { values, scales, ...(zeros && { zeros }), ...(order && { order }) };
  const matrix = { name, shape: [rows, columns] as const, entries: found };
  columnGroups?.forEach((at) => {
    if (at < 0 || at >= groups) throw badTensor(order!.name, `names group ${at} of ${groups}`);
  });
  const isShuffled = columnGroups?.some((at, column) => at !== Math.floor(column / group));
  const encoding = isShuffled ? shuffled(matrix, format, group, columnGroups!) : ordered(matrix, format, group);
  return { name, shape: matrix.shape, encoding, planes: planesOf(found, rows, []) };
}

function ordered({ name, shape, entries }: PackedMatrix, format: TransposedFormat, group: number): PackedEncoding {
  const [allRows, columns] = shape;
  const to = packedGroup(name, group, columns);
  const groups = Math.ceil(columns / group);
  const hasBias = !!entries.zeros && !format.isSymmetric;
  return {
    id: `${format.name} int${format.bits} ${group >= columns ? "row" : `g${group}`}`,
    layout: {
      bits: format.bits,
      group: to,
      scales: scaleType(entries.scales!.dtype),
      bias: hasBias ? "zeros" : "none",
    },
    decode({ first, count: rows, planes }: StoredRows): PackedRows {
      if (planes.order) checkOrder(entries.order!, planes.order, { group, groups });
      const stored = readNumbers(planes.scales!, entries.scales!);
      const zeroAt = zeroReader(planes.zeros, allRows, format);
      const middle = 2 ** (format.bits - 1);
      const scales = new Float32Array(rows * groups);
      const biases = new Float32Array(hasBias ? scales.length : 0);
      for (let g = 0; g < groups; g++)
        for (let row = 0; row < rows; row++) {
          const scale = stored[g * allRows + first + row]!;
          const zero = zeroAt(g, first + row);
          scales[row * groups + g] = scale;
          if (hasBias) biases[row * groups + g] = (middle - zero) * scale;
          else if (zero !== middle)
            throw badTensor(
              entries.zeros!.name,
              `has the zero point ${zero} in row ${first + row}, but the config says sym: true, which is ${middle}`,
            );
        }
      return {
        bits: format.bits,
        group: to,
        integers: transpose(planes.values!, shape, { first, rows }, format),
        scales: spreadGroups(scales, columns, group, to),
        ...(hasBias && { biases: spreadGroups(biases, columns, group, to) }),
      };
    },
  };
}

/** Columns of any order of groups: neighbours have different scales, which no layout of groups holds. */
function shuffled(
  { shape, entries }: PackedMatrix,
  format: TransposedFormat,
  group: number,
  columnGroups: Int32Array,
): UnpackedEncoding {
  const [allRows, columns] = shape;
  const groups = Math.ceil(columns / group);
  return {
    id: `${format.name} int${format.bits} g${group}, columns in activation order`,
    dtype: "F32",
    unpack({ first, count: rows, planes }: StoredRows): Float32Array<ArrayBuffer> {
      const scales = readNumbers(planes.scales!, entries.scales!);
      const zeroAt = zeroReader(planes.zeros, allRows, format);
      const integers = transpose(planes.values!, shape, { first, rows }, format);
      const values = new Float32Array(rows * columns);
      const zeros = new Float64Array(groups);
      for (let row = 0; row < rows; row++) {
        for (let g = 0; g < groups; g++) zeros[g] = zeroAt(g, first + row);
        for (let column = 0, at = row * columns; column < columns; column++, at++) {
          const g = columnGroups[column]!;
          const byte = format.bits === 4 ? (integers[at >> 1]! >> (4 * (at & 1))) & 15 : (integers[at]! ^ 0x80) & 0xff;
          values[at] = (byte - zeros[g]!) * scales[g * allRows + first + row]!;
        }
      }
      return values;
    },
  };
}

/** Throws `bad-weights` unless columns are in the order of their groups. */
function checkOrder(entry: TensorEntry, bytes: Uint8Array, { group, groups }: { group: number; groups: number }): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let column = 0; column < entry.shape[0]!; column++) {
    const at = view.getInt32(4 * column, true);
    if (at < 0 || at >= groups) throw badTensor(entry.name, `names group ${at} of ${groups}`);
    if (at !== Math.floor(column / group))
      throw badTensor(entry.name, `puts column ${column} into group ${at}, but the config says desc_act: false`);
  }
}

function zeroReader(
  bytes: Uint8Array | undefined,
  allRows: number,
  { bits, zeroOffset, places }: TransposedFormat,
): (group: number, row: number) => number {
  if (!bytes) return () => 2 ** (bits - 1);
  const words = readWords(bytes);
  const perWord = 32 / bits;
  const perGroup = Math.ceil(allRows / perWord);
  const fieldOf = fieldsOf(places);
  const mask = 2 ** bits - 1;
  // The stored number has as many bits as a value: less 1, zero is the largest.
  return (group, row) =>
    ((words[group * perGroup + Math.floor(row / perWord)]! >>> (bits * fieldOf[row % perWord]!)) + zeroOffset) & mask;
}

/** Of each place among neighbours, the field of a word that holds it. */
function fieldsOf(places: readonly number[]): number[] {
  return places.map((_, place) => places.indexOf(place));
}

/** Rows of the matrix as integers of a packed layout. */
function transpose(
  bytes: Uint8Array,
  [allRows, columns]: readonly [number, number],
  { first, rows }: { first: number; rows: number },
  { bits, along, places }: TransposedFormat,
): Uint8Array {
  const words = readWords(bytes);
  const perWord = 32 / bits;
  const flip = bits === 8 ? 0x80808080 : 0;
  const result = new Uint32Array(Math.ceil((rows * columns) / perWord));
  if (along === "columns") {
    // A word of the file is a word of the result.
    const perRow = columns / perWord;
    for (let at = 0; at < perRow; at++)
      for (let row = 0; row < rows; row++) result[row * perRow + at] = words[at * allRows + first + row]! ^ flip;
    return new Uint8Array(result.buffer);
  }
  if (bits === 4 && columns % perWord === 0) {
    transposeNibbles(words, result, { allRows, columns, first, rows, places });
    return new Uint8Array(result.buffer);
  }
  const packed = new Uint8Array(result.buffer);
  const mask = 2 ** bits - 1;
  const perColumn = allRows / perWord;
  const fieldOf = fieldsOf(places);
  for (let column = 0; column < columns; column++)
    for (let row = 0; row < rows; row++) {
      const word = words[column * perColumn + Math.floor((first + row) / perWord)]!;
      const value = (word >>> (bits * fieldOf[(first + row) % perWord]!)) & mask;
      const at = row * columns + column;
      if (bits === 8) packed[at] = value ^ 0x80;
      else packed[at >> 1]! |= value << (4 * (at & 1));
    }
  return packed;
}

interface NibbleRows {
  allRows: number;
  columns: number;
  first: number;
  rows: number;
  places: readonly number[];
}

/** Squares of 8 rows and 8 columns at a time, a word each way: three times as fast as nibble by nibble. */
function transposeNibbles(words: Uint32Array, result: Uint32Array, size: NibbleRows): void {
  const { allRows, columns, first, rows, places } = size;
  const perColumn = allRows / 8;
  const perRow = columns / 8;
  const shifts = fieldsOf(places).map((field) => 4 * field);
  const square = new Uint32Array(8);
  for (let word = Math.floor(first / 8); 8 * word < first + rows; word++) {
    const from = Math.max(0, first - 8 * word);
    const to = Math.min(8, first + rows - 8 * word);
    for (let at = 0; at < perRow; at++) {
      for (let column = 0; column < 8; column++) square[column] = words[(8 * at + column) * perColumn + word]!;
      for (let row = from; row < to; row++) {
        const shift = shifts[row]!;
        let nibbles = 0;
        for (let column = 0; column < 8; column++) nibbles |= ((square[column]! >>> shift) & 15) << (4 * column);
        result[(8 * word + row - first) * perRow + at] = nibbles;
      }
    }
  }
}
