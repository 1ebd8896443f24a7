/**
 * Finds a model's tensors in a checkpoint, under the names of any layout and with the shape in the spec. Pure: it reads
 * headers and never values.
 */
import { sameShape } from "../../shared/shape.ts";
import type { ModelSpec } from "../../spec/model-spec.ts";
import type { TensorPart, TensorSpec } from "../../spec/tensor-spec.ts";
import { isDecoded, isPackedEncoding, isReadable } from "../../weights/formats/encoding.ts";
import type { StoredTensor } from "../../weights/formats/stored-tensor.ts";
import { type TensorProblems, tensorError } from "./problems.ts";

/** A stored tensor and the place that it fills. */
export interface MatchedPart {
  tensor: TensorSpec;
  entry: StoredTensor;
  /** First row that it fills. */
  to: number;
  /** Added to every value. */
  add?: number | undefined;
  /** See `TensorPart`. */
  transposes?: readonly [rows: number, cols: number];
}

export interface MatchOptions {
  /** The files' own name of a tensor, if it differs; for messages. */
  nameInFile?: ((name: string) => string | undefined) | undefined;
  /** Canonical names of the tensors whose parts are those of `ifDifferent`. */
  untied?: ReadonlySet<string>;
}

export interface MatchedTensors {
  /** The tensors in the checkpoint, in the spec's order: all except those with an alias. */
  tensors: readonly TensorSpec[];
  parts: readonly MatchedPart[];
  /** Canonical name of a missing tensor -> the one used instead. */
  aliases: ReadonlyMap<string, string>;
}

/**
 * Matches a spec with the tensors of all files of a checkpoint. A file may mix layouts. All problems are found before any
 * is reported.
 *
 * @param entries stored tensors by name
 * @throws FoveaError `bad-weights` naming missing, unknown, duplicate, misshaped tensors and those of a type that is not read
 */
export function matchTensors(
  { family, tensors, ignores }: Pick<ModelSpec, "family" | "tensors" | "ignores">,
  entries: ReadonlyMap<string, StoredTensor>,
  { nameInFile, untied }: MatchOptions = {},
): MatchedTensors {
  const problems: TensorProblems = { missing: [], duplicate: [], misshaped: [], unreadable: [], unknown: [] };
  const wanted = new Set<string>();
  const found: TensorSpec[] = [];
  const parts: MatchedPart[] = [];
  const aliases = new Map<string, string>();
  for (const given of tensors) {
    const { ifDifferent } = given;
    const tensor = ifDifferent && untied?.has(given.name) ? { ...given, parts: ifDifferent } : given;
    for (const { names, fallback = [] } of tensor.parts) for (const name of [...names, ...fallback]) wanted.add(name);
    if (tensor.instead && tensor.parts.every(({ names }) => !names.some((name) => entries.has(name)))) {
      aliases.set(tensor.name, tensor.instead);
      continue;
    }
    found.push(tensor);
    for (const { names, fallback = [], shape: ownShape, to, add, transposes, slice, order } of tensor.parts) {
      const shape = slice ? [slice.of, ...ownShape.slice(1)] : ownShape;
      const own = names.filter((name) => entries.has(name));
      const present = own.length > 0 ? own : fallback.filter((name) => entries.has(name));
      const entry = present.length > 0 ? entries.get(present[0]!) : undefined;
      if (!entry) problems.missing.push({ names: inFile(names, nameInFile), shape });
      else if (present.length > 1) problems.duplicate.push(present);
      else if (!sameShape(withoutLeadingOnes(entry.shape), withoutLeadingOnes(shape)))
        problems.misshaped.push({ entry, shape });
      // Groups of packed values run along rows, which a transposed matrix does not store.
      else if (!isReadable(entry.encoding) || (transposes && isPackedEncoding(entry.encoding)))
        problems.unreadable.push(entry);
      else if ((slice || order) && !isPlain(entry)) problems.unreadable.push(entry);
      else
        parts.push({
          tensor,
          entry: rowsOf(entry, ownShape, { slice, order }),
          to,
          ...(add !== undefined && { add }),
          ...(transposes && { transposes }),
        });
    }
  }
  for (const [name, entry] of entries) if (!wanted.has(name) && !ignores(name)) problems.unknown.push(entry);
  if (Object.values(problems).some((list) => list.length > 0))
    throw tensorError(problems, family, wanted, entries.keys());
  return { tensors: found, parts, aliases };
}

/** See `TensorPart`. */
type PartRows = { [field in "slice" | "order"]: TensorPart[field] | undefined };

/** True if the values of a tensor follow each other in one plane, in the order of its rows. */
function isPlain({ encoding, planes, rowOrder }: StoredTensor): boolean {
  return !isPackedEncoding(encoding) && !isDecoded(encoding) && planes.length === 1 && rowOrder === undefined;
}

/** The rows of a plain tensor that make up a part, in its order. @param shape of the part */
function rowsOf(entry: StoredTensor, shape: readonly number[], { slice, order }: PartRows) {
  if (!slice && !order) return entry;
  const [plane] = entry.planes;
  const rowBytes = (plane!.end - plane!.start) / (slice?.of ?? shape[0]!);
  const start = plane!.start + (slice?.first ?? 0) * rowBytes;
  const planes = [{ ...plane!, start, end: start + shape[0]! * rowBytes, rowBytes }];
  return { ...entry, shape, planes, whole: entry, ...(order && { rowOrder: { order } }) };
}

/** Position tables of some layouts have a leading batch dimension; removing it never changes the values. */
function withoutLeadingOnes(shape: readonly number[]): readonly number[] {
  const first = shape.findIndex((dimension) => dimension !== 1);
  return first < 0 ? [] : shape.slice(first);
}

/** The name in the files, where it differs from the layouts' names. */
function inFile(names: readonly string[], nameInFile?: (name: string) => string | undefined): readonly string[] {
  const known = names.map((name) => nameInFile?.(name)).filter((name) => name !== undefined);
  return known.length > 0 ? known : names;
}
