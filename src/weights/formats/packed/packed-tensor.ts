/** Helpers for packings: a packed matrix, the tensors of the file that hold it, and errors about them. */
import { FoveaError } from "../../../errors.ts";
import { quoted } from "../../../shared/json.ts";
import { shapeText } from "../../../shared/shape.ts";
import type { TensorEntry } from "../../safetensors.ts";
import type { PlaneRole } from "../encoding.ts";
import type { GroupSize } from "../packed-rows.ts";
import type { Plane } from "../stored-tensor.ts";

/** The tensors of a file that hold one matrix. */
export type PlaneEntries = Readonly<Partial<Record<PlaneRole, TensorEntry>>>;

/** The known facts about a matrix before its encoding. */
export interface PackedMatrix {
  /** As in the unpacked checkpoint, such as "model.layers.0.mlp.up_proj.weight". */
  readonly name: string;
  readonly shape: readonly [rows: number, columns: number];
  readonly entries: PlaneEntries;
}

/** Where a matrix lies. Planes named in `byRow` are read row by row, the others whole. */
export function planesOf(entries: PlaneEntries, rows: number, byRow: readonly PlaneRole[]): Plane[] {
  return Object.entries(entries).map(([key, { name, file, start, end }]) => {
    const role = key as PlaneRole;
    const isByRow = byRow.includes(role) && rows > 0;
    return { role, name, file, start, end, ...(isByRow && { rowBytes: (end - start) / rows }) };
  });
}

/** How scales of this dtype are kept. */
export function scaleType(dtype: string): "f16" | "f32" {
  return dtype === "F32" ? "f32" : "f16";
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
  throw unsupportedTensor(name, `has groups of ${group} in rows of ${columns}; supported are multiples of 16`);
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

/** The error about a tensor that is damaged or contradicts the config; `what` follows its name. */
export function badTensor(name: string, what: string): FoveaError {
  return new FoveaError("bad-weights", `tensor ${quoted(name)} ${what}`);
}

/** The error about a tensor in an arrangement that is valid but not read; `what` follows its name. */
export function unsupportedTensor(name: string, what: string): FoveaError {
  return new FoveaError("unsupported-model", `tensor ${quoted(name)} ${what}`);
}
