/**
 * How the values of a stored tensor are written: as a plain dtype that the GPU converts, or as integers in groups. A
 * decoder rearranges those once, while the file streams in. Each weight format brings its own encodings.
 */
import type { Levels } from "../../shared/levels.ts";
import { type Dtype, isReadableDtype } from "../dtype.ts";
import type { GroupSize, PackedBits, PackedRows } from "./packed-rows.ts";

/**
 * The content of a plane of a packed tensor. "order" is the group of each column, or where each column goes; "shape" is
 * rows and columns once more; "second" are values beside those of "values", as of a second frame.
 */
export type PlaneRole = "values" | "scales" | "biases" | "zeros" | "order" | "shape" | "second";

/** The layout that all packed rows of an encoding share. Memory is planned by it before a row is read. */
export interface PackedLayout {
  readonly bits: PackedBits;
  readonly group: GroupSize;
  /**
   * How scales and biases are kept. "f16": the format stores 16 bits itself (f16, or bf16 of ordinary sizes), so they
   * fit. Loading checks each of them, and keeps the matrix with f32 where one does not. "f32": products of two numbers.
   * "nested": `NestedNumbers`, for rows of whole nests.
   */
  readonly scales: "f16" | "f32" | "nested";
  /**
   * "none": symmetric, `PackedRows.biases` is absent. "zeros": each bias is a whole number times its scale, as where a
   * format has integer zero points. "free": any bias.
   */
  readonly bias: "none" | "zeros" | "free";
  /**
   * Of a free bias: the integer (as `PackedRows` counts) for which the file's own bias stands, so that it is kept
   * without a rounding. The default suits files that count from 0: the least integer, -8 of 4 bits and -128 of 8.
   */
  readonly origin?: number;
  /** `PackedRows.levels`. */
  readonly levels?: Levels;
}

/** Whole rows of a tensor, for a decoder. */
export interface StoredRows {
  /** The first row. */
  readonly first: number;
  readonly count: number;
  /** Of the whole tensor. */
  readonly rows: number;
  readonly columns: number;
  /**
   * Bytes of each plane: of planes with `rowBytes` those of these rows only, of others all. They may start at any byte
   * of their buffer, and are valid only during the call.
   */
  readonly planes: Readonly<Partial<Record<PlaneRole, Uint8Array>>>;
}

export interface PlainEncoding {
  /** Its dtype. */
  readonly id: string;
  readonly dtype: Dtype;
}

export interface PackedEncoding {
  /** For people, such as "Q4_K" or "int4 g128": `info` and messages show it. */
  readonly id: string;
  readonly layout: PackedLayout;
  /** Rows as integers in groups, with new arrays. Pure. Throws FoveaError `bad-weights` for what cannot be. */
  decode(rows: StoredRows): PackedRows;
}

/** Values in an arrangement that no packed layout has; a decoder makes plain numbers of them. */
export interface UnpackedEncoding {
  /** For people. */
  readonly id: string;
  /** Of the numbers. */
  readonly dtype: "F32";
  /** Whole rows as f32, row-major, in a new array. Pure. Throws FoveaError `bad-weights` for what cannot be. */
  unpack(rows: StoredRows): Float32Array<ArrayBuffer>;
}

export type Encoding = PlainEncoding | PackedEncoding | UnpackedEncoding;

export function isPackedEncoding(encoding: Encoding): encoding is PackedEncoding {
  return "layout" in encoding;
}

export function isUnpackedEncoding(encoding: Encoding): encoding is UnpackedEncoding {
  return "unpack" in encoding;
}

/** True if a decoder reads whole rows of it. */
export function isDecoded(encoding: Encoding): encoding is PackedEncoding | UnpackedEncoding {
  return isPackedEncoding(encoding) || isUnpackedEncoding(encoding);
}

/** True if the engine reads values written so. */
export function isReadable(encoding: Encoding): boolean {
  return isPackedEncoding(encoding) || isReadableDtype(encoding.dtype);
}
