/**
 * Lists of a checkpoint's tensors in a short form: shapes by name, in the order of the model's state. A name may stand for
 * several by braces, "layers.{0..11}" or "{weight,bias}", and a name before an object is the prefix of all names in it.
 */
import type { MatchedTensors } from "../../src/model/load/match.ts";
import { elementCount } from "../../src/shared/shape.ts";
import { plainTensor, type StoredTensor } from "../../src/weights/formats/stored-tensor.ts";

export interface TensorList {
  readonly [name: string]: readonly number[] | TensorList;
}

export type NamedShape = readonly [name: string, shape: readonly number[]];

/** Every tensor of a list. */
export function tensorsOf(list: TensorList): NamedShape[] {
  return Object.entries(list).flatMap(([name, value]) =>
    namesOf(name).flatMap((one): NamedShape[] =>
      isShape(value) ? [[one, value]] : tensorsOf(value).map(([inner, shape]) => [one + inner, shape]),
    ),
  );
}

function isShape(value: readonly number[] | TensorList): value is readonly number[] {
  return Array.isArray(value);
}

/** The names that one with braces stands for. */
function namesOf(name: string): string[] {
  const braces = /\{([^}]*)\}/.exec(name);
  if (!braces) return [name];
  const range = /^(\d+)\.\.(\d+)$/.exec(braces[1]!);
  const choices = range
    ? Array.from({ length: Number(range[2]) - Number(range[1]) + 1 }, (_, i) => String(Number(range[1]) + i))
    : braces[1]!.split(",");
  return choices.flatMap((choice) => namesOf(name.replace(braces[0], () => choice)));
}

/** Stored tensors of these names, all of F16 in one file, as if it had no header. */
export function entriesOf(tensors: Iterable<NamedShape>): Map<string, StoredTensor> {
  const entries = new Map<string, StoredTensor>();
  let start = 0;
  for (const [name, shape] of tensors) {
    const end = start + 2 * elementCount(shape);
    entries.set(name, plainTensor({ name, dtype: "F16", shape, file: "model.safetensors", start, end }));
    start = end;
  }
  return entries;
}

/** Number of values. */
export function parametersOf(tensors: Iterable<{ readonly shape: readonly number[] }>): number {
  let count = 0;
  for (const { shape } of tensors) count += elementCount(shape);
  return count;
}

/** Names of tensors that the parts do not fill row by row, without gap or overlap, each from a tensor of its own. */
export function unfilled({ tensors, parts }: MatchedTensors): string[] {
  const rows = new Map<string, number>(tensors.map(({ name }) => [name, 0]));
  const wrong = new Set<string>();
  const used = new Set<StoredTensor>();
  for (const { tensor, entry, to } of parts) {
    if (rows.get(tensor.name) !== to || used.has(entry)) wrong.add(tensor.name);
    used.add(entry);
    rows.set(tensor.name, to + elementCount(entry.shape) / elementCount(tensor.shape.slice(1)));
  }
  for (const { name, shape } of tensors) if (rows.get(name) !== shape[0]) wrong.add(name);
  return [...wrong];
}
