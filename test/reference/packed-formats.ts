/**
 * Packed matrices of safetensors files, one value at a time in f64, and their packing, as the tools that write them define
 * both: MLX, compressed-tensors, AWQ, GPTQ.
 */
import { bf16ToNumber, f16ToNumber } from "./weight-unpack.ts";

export interface RawTensor {
  dtype: string;
  shape: readonly number[];
  bytes: Uint8Array;
}

export type RawTensors = ReadonlyMap<string, RawTensor>;

/** All tensors of a safetensors file. */
export function rawTensors(file: Uint8Array): Map<string, RawTensor> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  const tensors = new Map<string, RawTensor>();
  for (const [name, entry] of Object.entries<{ dtype: string; shape: number[]; data_offsets: [number, number] }>(
    header,
  )) {
    if (name === "__metadata__") continue;
    const [start, end] = entry.data_offsets;
    tensors.set(name, {
      dtype: entry.dtype,
      shape: entry.shape,
      bytes: file.subarray(8 + length + start, 8 + length + end),
    });
  }
  return tensors;
}

/** One number of a float tensor. */
export function numberAt({ dtype, bytes }: RawTensor, index: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (dtype === "F32") return view.getFloat32(4 * index, true);
  const bits = view.getUint16(2 * index, true);
  return dtype === "F16" ? f16ToNumber(bits) : bf16ToNumber(bits);
}

/** The bits [from, from + count) of the word at `index`. */
function field({ bytes }: RawTensor, index: number, from: number, count: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (view.getUint32(4 * index, true) >>> from) & (2 ** count - 1);
}

/** The bits [from, from + count) of a row of words, which may lie in two of them. */
function denseField({ bytes }: RawTensor, rowByte: number, from: number, count: number): number {
  let value = 0;
  for (let bit = 0; bit < count; bit++) {
    const at = from + bit;
    value |= ((bytes[rowByte + (at >> 3)]! >> (at & 7)) & 1) << bit;
  }
  return value;
}

export type Values = { rows: number; columns: number; at: (row: number, column: number) => number };

export function mlxValues(tensors: RawTensors, module: string, bits: number, group: number): Values {
  const [weight, scales, biases] = ["weight", "scales", "biases"].map((part) => tensors.get(`${module}.${part}`)!);
  const [rows, groups] = scales!.shape as [number, number];
  const rowBytes = weight!.shape[1]! * 4;
  return {
    rows,
    columns: groups * group,
    at: (row, column) => {
      const g = row * groups + Math.floor(column / group);
      return denseField(weight!, row * rowBytes, column * bits, bits) * numberAt(scales!, g) + numberAt(biases!, g);
    },
  };
}

export function compressedValues(tensors: RawTensors, module: string, bits: 4 | 8, group: number): Values {
  const part = (name: string) => tensors.get(`${module}.${name}`);
  const [packed, bytes, scales, zeros] = [
    part("weight_packed"),
    part("weight"),
    part("weight_scale")!,
    part("weight_zero_point"),
  ];
  const rows = (packed ?? bytes!).shape[0]!;
  const columns = packed ? (packed.shape[1]! * 32) / bits : bytes!.shape[1]!;
  const groups = group > 0 ? Math.ceil(columns / group) : 1;
  const half = 2 ** (bits - 1);
  const perWord = 32 / bits;
  return {
    rows,
    columns,
    at: (row, column) => {
      const g = group > 0 ? Math.floor(column / group) : 0;
      const q = packed
        ? field(packed, row * packed.shape[1]! + Math.floor(column / perWord), bits * (column % perWord), bits) - half
        : (bytes!.bytes[row * columns + column]! << 24) >> 24;
      const scale = scales.shape.reduce((a, b) => a * b, 1) === 1 ? 0 : row * groups + g;
      const z = !zeros
        ? 0
        : zeros.dtype === "I32"
          ? field(zeros, Math.floor(row / perWord) * groups + g, bits * (row % perWord), bits) - half
          : (zeros.bytes[scale]! << 24) >> 24;
      return (q - z) * numberAt(scales, scale);
    },
  };
}

const AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7];

export function awqValues(tensors: RawTensors, module: string, group: number): Values {
  const [values, zeros, scales] = ["qweight", "qzeros", "scales"].map((part) => tensors.get(`${module}.${part}`)!);
  const [columns, words] = values!.shape as [number, number];
  const rows = words * 8;
  return {
    rows,
    columns,
    at: (row, column) => {
      const g = Math.floor(column / group);
      const from = 4 * AWQ_ORDER.indexOf(row % 8);
      const q = field(values!, column * words + Math.floor(row / 8), from, 4);
      const z = field(zeros!, g * words + Math.floor(row / 8), from, 4);
      return (q - z) * numberAt(scales!, g * rows + row);
    },
  };
}

export function gptqValues(tensors: RawTensors, module: string, bits: 4 | 8, zeroOffset: 0 | 1): Values {
  const [values, zeros, scales, order] = ["qweight", "qzeros", "scales", "g_idx"].map(
    (part) => tensors.get(`${module}.${part}`)!,
  );
  const perWord = 32 / bits;
  const [words, rows] = values!.shape as [number, number];
  const zeroWords = Math.ceil(rows / perWord);
  const groups = new DataView(order!.bytes.buffer, order!.bytes.byteOffset, order!.bytes.byteLength);
  return {
    rows,
    columns: words * perWord,
    at: (row, column) => {
      const g = groups.getInt32(4 * column, true);
      const q = field(values!, Math.floor(column / perWord) * rows + row, bits * (column % perWord), bits);
      const stored = field(zeros!, g * zeroWords + Math.floor(row / perWord), bits * (row % perWord), bits);
      return (q - ((stored + zeroOffset) % 2 ** bits)) * numberAt(scales!, g * rows + row);
    },
  };
}
