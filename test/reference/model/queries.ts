/** Learned queries that read the features of one view, in f64: nested loops over plain arrays, a row each. */
import { activate } from "../activation.ts";

type Rows = number[][];
/** Values of a tensor by name; undefined for a bias that is missing. */
type Tensors = (name: string) => ArrayLike<number> | undefined;

export interface ReferenceAttention {
  op: "attend";
  slot: string;
  heads: number;
  reads: "features" | "rows" | "both";
  rows?: "queries" | "text";
  normEps?: number;
  featureNormEps?: number;
  positions?: { queries: string; features: string };
  replaces?: true;
}
export interface ReferenceMlp {
  op: "mlp";
  slot: string;
  width: number;
  activation: "gelu" | "silu";
  rows?: "queries" | "text";
  gated?: true;
  normEps?: number;
  innerNormEps?: number;
}
export interface ReferenceNorm {
  op: "norm";
  slot: string;
  eps: number;
  rows?: "queries" | "text";
}
export type ReferenceStep = ReferenceNorm | ReferenceAttention | ReferenceMlp;

/** One view: its features, and of each feature the row of the table of positions that it has. */
export interface ReferenceView {
  features: Rows; // [S, D]
  places: readonly number[]; // [S]
  ids: readonly number[];
}

function sum(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value + b[i]!);
}

/** Linear layers and layer norms by the names of their tensors. */
function layersOf(get: Tensors) {
  const linear = (x: Rows, name: string, rows: number): Rows =>
    x.map((row) =>
      Array.from({ length: rows }, (_, n) =>
        row.reduce(
          (total, value, k) => total + value * get(`${name}.weight`)![n * row.length + k]!,
          get(`${name}.bias`)?.[n] ?? 0,
        ),
      ),
    );
  const norm = (x: Rows, name: string, eps: number | undefined): Rows =>
    eps === undefined
      ? x
      : x.map((row) => {
          const mean = row.reduce((a, b) => a + b) / row.length;
          const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
          return row.map(
            (value, c) =>
              ((value - mean) / Math.sqrt(variance + eps)) * get(`${name}.weight`)![c]! + get(`${name}.bias`)![c]!,
          );
        });
  return { linear, norm };
}

/** The queries of `slot` after all steps, [Q, C]. */
export function readByQueries(
  { slot, count, width, steps }: { slot: string; count: number; width: number; steps: readonly ReferenceStep[] },
  { features, places, ids }: ReferenceView,
  get: Tensors,
): Rows {
  const table = (name: string, row: number) => Array.from({ length: width }, (_, c) => get(name)![row * width + c]!);
  const { linear, norm } = layersOf(get);
  let z: Rows = Array.from({ length: count }, (_, q) => table(`${slot}.queries`, q));
  z.push(...ids.map((id, i) => sum(table(`${slot}.words`, id), table(`${slot}.places`, i))));

  const attend = (z: Rows, step: ReferenceAttention): Rows => {
    const x = norm(z, `${step.slot}.norm`, step.normEps);
    const normed = norm(features, `${step.slot}.featureNorm`, step.featureNormEps);
    const read = step.reads === "rows" ? x : step.reads === "features" ? normed : [...x.slice(0, count), ...normed];
    const { positions } = step;
    const ofQueries = positions ? x.map((row, q) => sum(row, table(positions.queries, q))) : x;
    const before = step.reads === "both" ? count : 0;
    const ofKeys = positions
      ? read.map((row, i) =>
          sum(row, i < before ? table(positions.queries, i) : table(positions.features, places[i - before]!)),
        )
      : read;
    const [q, k, v] = [
      linear(ofQueries, `${step.slot}.query`, width),
      linear(ofKeys, `${step.slot}.key`, width),
      linear(read, `${step.slot}.value`, width),
    ];
    const each = width / step.heads;
    const y = q!.map((query) =>
      Array.from({ length: width }, (_, c) => {
        const first = c - (c % each);
        const logits = k!.map(
          (key) =>
            key.slice(first, first + each).reduce((a, value, d) => a + value * query[first + d]!, 0) / Math.sqrt(each),
        );
        const largest = Math.max(...logits);
        const shares = logits.map((logit) => Math.exp(logit - largest));
        const total = shares.reduce((a, b) => a + b);
        return shares.reduce((a, share, i) => a + (share / total) * v![i]![c]!, 0);
      }),
    );
    const out = linear(y, `${step.slot}.out`, width);
    return step.replaces ? out : z.map((row, i) => sum(row, out[i]!));
  };
  const mlp = (z: Rows, step: ReferenceMlp): Rows => {
    const x = norm(z, `${step.slot}.norm`, step.normEps);
    const { width: inner, activation } = step;
    const both = step.gated ? linear(x, `${step.slot}.gateUp`, 2 * inner) : linear(x, `${step.slot}.up`, inner);
    const middle = both.map((row) =>
      Array.from({ length: inner }, (_, i) => activate(row[i]!, activation) * (step.gated ? row[inner + i]! : 1)),
    );
    const down = linear(norm(middle, `${step.slot}.innerNorm`, step.innerNormEps), `${step.slot}.down`, width);
    return z.map((row, i) => sum(row, down[i]!));
  };
  for (const step of steps) {
    const [from, to] = step.rows === "queries" ? [0, count] : step.rows === "text" ? [count, z.length] : [0, z.length];
    const own = z.slice(from, to);
    const made =
      step.op === "norm" ? norm(own, step.slot, step.eps) : step.op === "attend" ? attend(own, step) : mlp(own, step);
    z = [...z.slice(0, from), ...made, ...z.slice(to)];
  }
  return z.slice(0, count);
}
