/**
 * The tensors of safetensors files as their family knows them. packing.ts comes with the first file that needs
 * arranging.
 */
import type { ReadOptions } from "../byte-source.ts";
import { isReadableDtype } from "../dtype.ts";
import type { TensorEntry } from "../safetensors.ts";
import { type PackedFiles, packingParts, type StoredTensors } from "./packed-files.ts";
import { plainTensor } from "./stored-tensor.ts";

/**
 * The tensors of a checkpoint.
 *
 * @throws FoveaError `unsupported-model` for a packing that is not read, `bad-weights` for tensors that contradict each
 * other or the config; what reading throws
 */
export async function storedTensors(packed: PackedFiles, options: ReadOptions): Promise<StoredTensors> {
  if (packingParts(packed.config).length > 0 || [...packed.entries.values()].some(mayNeedArranging))
    return (await import("./packing.ts")).arrangedTensors(packed, options);
  return { tensors: new Map([...packed.entries].map(([name, entry]) => [name, plainTensor(entry)])), notes: [] };
}

/** Integers may be packed values, and channels may come last; packing.ts knows. */
function mayNeedArranging({ dtype, shape }: TensorEntry): boolean {
  const last = shape.at(-1);
  return !isReadableDtype(dtype) || (shape.length === 3 && last === 1) || (shape.length > 3 && last === 3);
}
