/** The error message about tensors that do not fit a model: a few of each kind by name, with the likeliest reason. */
import { FoveaError } from "../../errors.ts";
import { quoted } from "../../shared/json.ts";
import { shapeText } from "../../shared/shape.ts";
import { fileOf, nameInFile, type StoredTensor } from "../../weights/formats/stored-tensor.ts";

/** The differences between a model's tensors and a checkpoint's. */
export interface TensorProblems {
  /** Every name that each missing tensor could have, and its shape. */
  missing: { names: readonly string[]; shape: readonly number[] }[];
  /** Several names of one tensor, all present. */
  duplicate: string[][];
  misshaped: { entry: StoredTensor; shape: readonly number[] }[];
  /** Of a type that Fovea does not read. */
  unreadable: StoredTensor[];
  unknown: StoredTensor[];
}

/** Names shown of each kind; the rest is counted. */
const MAX_NAMED = 3;

/** Least likeness of two names to suggest one for the other. */
const MIN_LIKENESS = 0.7;

/**
 * @param model name of the family, for the message
 * @param wanted every name that a wanted tensor could have
 * @param present every name in the checkpoint
 */
export function tensorError(
  problems: TensorProblems,
  model: string,
  wanted: Iterable<string>,
  present: Iterable<string>,
): FoveaError {
  const known = [...wanted];
  const there = [...present];
  const sentences = [
    list("missing", problems.missing, ({ names, shape }) => {
      // The name that is most like this file's, among the names in all layouts.
      const name = names.reduce((best, other) => (likest(other, there)[1] > likest(best, there)[1] ? other : best));
      return `${quoted(name)} of shape ${shapeText(shape)}`;
    }),
    list("present under two names", problems.duplicate, (names) => names.map(quoted).join(" and ")),
    list("of another shape", problems.misshaped, ({ entry, shape }) => {
      return `${quoted(nameInFile(entry))} in ${fileOf(entry)} is ${shapeText(entry.shape)}, expected ${shapeText(shape)}`;
    }),
    list("of a type that is not read", problems.unreadable, (entry) => {
      return `${quoted(nameInFile(entry))} in ${fileOf(entry)} is ${entry.encoding.id}, expected F32, F16 or BF16`;
    }),
    list("unknown", problems.unknown, (entry) => {
      const [like, likeness] = likest(entry.name, known);
      return `${quoted(nameInFile(entry))} in ${fileOf(entry)}${likeness >= MIN_LIKENESS ? ` (like ${quoted(like)})` : ""}`;
    }),
  ].filter((sentence) => sentence !== "");
  return new FoveaError(
    "bad-weights",
    `the tensors do not fit the ${model} of config.json: ${sentences.join("; ")}. ` +
      "Check that config.json and the weights are of one checkpoint and unquantised",
  );
}

function list<Item>(kind: string, items: readonly Item[], text: (item: Item) => string): string {
  if (items.length === 0) return "";
  const more = items.length > MAX_NAMED ? `, and ${items.length - MAX_NAMED} more` : "";
  return `${kind}: ${items.slice(0, MAX_NAMED).map(text).join(", ")}${more}`;
}

/** The most similar of `others`, and its likeness: 1 if equal, 0 if both ends differ. */
function likest(name: string, others: readonly string[]): [other: string, likeness: number] {
  let best: [string, number] = ["", 0];
  for (const other of others) {
    const score = likeness(name, other);
    if (score > best[1]) best = [other, score];
  }
  return best;
}

/** Share of the longer name that is the same at both ends: high for one typing error. */
function likeness(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  let front = 0;
  while (front < shorter && a[front] === b[front]) front++;
  let back = 0;
  while (back < shorter - front && a[a.length - 1 - back] === b[b.length - 1 - back]) back++;
  return (front + back) / Math.max(a.length, b.length, 1);
}
