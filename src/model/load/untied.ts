/**
 * Finds tensors that the config ties to others although the file stores both with different values. Training can untie
 * a head and leave the flag; transformers then uses the file's own, too.
 */
import { sameShape } from "../../shared/shape.ts";
import type { ModelSpec } from "../../spec/model-spec.ts";
import type { TensorPart } from "../../spec/tensor-spec.ts";
import type { ReadOptions } from "../../weights/byte-source.ts";
import type { Checkpoint } from "../../weights/checkpoint.ts";
import type { Plane, StoredTensor } from "../../weights/formats/stored-tensor.ts";
import { type MatchedTensors, matchTensors } from "./match.ts";

// Samples of a plane; training changes all rows. The first rows are those of the commonest tokens.
const FIRST_BYTES = 256 * 1024;
const LAST_BYTES = 64 * 1024;

/** `matchTensors` for a checkpoint whose files can be read. Throws as it does; what reading throws. */
export async function matchCheckpoint(
  spec: ModelSpec,
  checkpoint: Checkpoint,
  options: ReadOptions,
): Promise<MatchedTensors> {
  const untied = await untiedTensors(spec, checkpoint, options);
  return matchTensors(spec, checkpoint.tensors, { untied, nameInFile: checkpoint.nameInFile });
}

/** Canonical names of the tensors that a file stores with other values than those of the tensors that they are tied to. */
async function untiedTensors(
  { tensors }: ModelSpec,
  checkpoint: Checkpoint,
  options: ReadOptions,
): Promise<ReadonlySet<string>> {
  const untied = new Set<string>();
  for (const { name, instead, ifDifferent } of tensors) {
    const other = ifDifferent && tensors.find((tensor) => tensor.name === instead);
    if (other && (await differ(ifDifferent, other.parts, checkpoint, options))) untied.add(name);
  }
  return untied;
}

type Parts = readonly TensorPart[];

async function differ(a: Parts, b: Parts, checkpoint: Checkpoint, options: ReadOptions): Promise<boolean> {
  const stored = (parts: Parts) =>
    parts.map(({ names }) => names.map((name) => checkpoint.tensors.get(name)).find((entry) => entry !== undefined));
  const [own, others] = [stored(a), stored(b)];
  const pairs = own.map((entry, i) => [entry, others[i]] as const);
  if (!pairs.every((pair): pair is [StoredTensor, StoredTensor] => fits(...pair))) return false;
  for (const [entry, other] of pairs) {
    if (entry.encoding.id !== other.encoding.id || entry.planes.length !== other.planes.length) return true;
    for (const [i, plane] of entry.planes.entries())
      if (await planesDiffer(plane, other.planes[i]!, checkpoint, options)) return true;
  }
  return false;
}

/** True for two tensors of one shape; a file may have rows for more tokens under one of the names. */
function fits(a: StoredTensor | undefined, b: StoredTensor | undefined): boolean {
  return a !== undefined && b !== undefined && sameShape(a.shape, b.shape);
}

async function planesDiffer(a: Plane, b: Plane, { files }: Checkpoint, options: ReadOptions): Promise<boolean> {
  const length = a.end - a.start;
  if (length !== b.end - b.start) return true;
  const sources = [files.get(a.file)!, files.get(b.file)!] as const;
  // Each read would fetch the file's beginning.
  if (!sources.every(({ seekable }) => seekable)) return true;
  const middle = Math.floor(length / 2);
  for (const [from, bytes] of [
    [0, FIRST_BYTES],
    [middle, LAST_BYTES],
    [length - LAST_BYTES, LAST_BYTES],
  ] as const) {
    const start = Math.max(0, from);
    const end = Math.min(length, start + bytes);
    const [own, other] = await Promise.all([
      sources[0].read(a.start + start, a.start + end, options),
      sources[1].read(b.start + start, b.start + end, options),
    ]);
    if (own.some((byte, i) => byte !== other[i])) return true;
  }
  return false;
}
