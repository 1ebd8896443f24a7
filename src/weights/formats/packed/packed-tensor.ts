/** A packed matrix as its header entries describe it: which tensors of the file hold it, and how their bytes are decoded. */
import { FoveaError } from "../../../errors.ts";
import { shapeText } from "../../../shared/shape.ts";
import type { TensorEntry } from "../../safetensors.ts";
import type { GroupSize, PackedBits, PackedRows } from "../packed-rows.ts";

/** What a tensor of the file holds of a matrix [R, C]. */
export type PlaneRole = "values" | "scales" | "biases" | "zeros" | "order" | "shape";

/** The layout of a decoded matrix, known before any value is read. */
export interface PackedLayout {
  readonly bits: PackedBits;
  readonly group: GroupSize;
  readonly hasBias: boolean;
}

/** Rows [first, first + rows) of a matrix, and the bytes that hold them. */
export interface PlaneBytes {
  readonly first: number;
  readonly rows: number;
  /** Planes of `rowPlanes` hold these rows alone, the others the whole matrix. */
  readonly planes: Readonly<Partial<Record<PlaneRole, Uint8Array>>>;
}

export interface PackedEncoding {
  /** For people, such as "int4 g128". */
  readonly id: string;
  /** "f32": the values are plain numbers, or no packed layout holds them exactly. */
  readonly layout: PackedLayout | "f32";
  /** Planes that lie in the file row by row. Without "values" the file is transposed, and its planes are read whole. */
  readonly rowPlanes: readonly PlaneRole[];
  /**
   * Decodes rows. Pure.
   *
   * @returns rows in the layout, or f32 [rows, C]
   * @throws FoveaError `bad-weights` for values that contradict the config or are not finite
   */
  decode(bytes: PlaneBytes): PackedRows | Float32Array;
}

/** A matrix under its name in the unpacked checkpoint, such as "model.layers.0.mlp.up_proj.weight". */
export interface PackedTensor {
  readonly name: string;
  /** Of the values, rows first. */
  readonly shape: readonly number[];
  readonly encoding: PackedEncoding;
  readonly planes: Readonly<Partial<Record<PlaneRole, TensorEntry>>>;
}

/** What is known of a matrix before its encoding. */
export interface PackedMatrix extends Omit<PackedTensor, "encoding"> {
  readonly shape: readonly [rows: number, columns: number];
}

const GROUP_SIZES: readonly GroupSize[] = [128, 64, 32, 16];

/**
 * The group of a decoded matrix: the file's, or a part of it that kernels know. The last group of a file may be shorter.
 *
 * @param group columns that share a scale in the file; a whole row at most
 * @throws FoveaError `unsupported-model`
 */
export function packedGroup(name: string, group: number, columns: number): GroupSize {
  const found = GROUP_SIZES.find((size) => (group < columns ? group : columns) % size === 0);
  if (found) return found;
  throw new FoveaError(
    "unsupported-model",
    `tensor ${name} has groups of ${group} in rows of ${columns}; supported are multiples of 16`,
  );
}

/** A tensor of the file that must be there. */
export function needEntry(entries: ReadonlyMap<string, TensorEntry>, name: string): TensorEntry {
  const entry = entries.get(name);
  if (!entry) throw badTensor(name, "is missing; fetch the files again, all from one revision");
  return entry;
}

/** Checks a tensor's type and shape. */
export function checkEntry(entry: TensorEntry, dtypes: readonly string[], shape: readonly number[], why: string): void {
  if (!dtypes.includes(entry.dtype)) throw badTensor(entry.name, `is ${entry.dtype}; ${dtypes.join(" or ")} is needed`);
  if (entry.shape.length === shape.length && entry.shape.every((size, i) => size === shape[i])) return;
  throw badTensor(entry.name, `is ${shapeText(entry.shape)}; ${shapeText(shape)} is needed ${why}`);
}

export const FLOAT_DTYPES = ["F16", "BF16", "F32"] as const;

/** The error about a tensor; `what` follows its name. */
export function badTensor(name: string, what: string): FoveaError {
  return new FoveaError("bad-weights", `tensor ${name} ${what}`);
}
