/**
 * The tensors that a model needs: the tensors of a file that fill each of them, their names, and the use of each. Pure
 * data and builders; matching against a file is model/load/match.ts.
 */
import { elementCount } from "../shared/shape.ts";

/**
 * How the engine uses a tensor, which decides how it may be stored: "linear" is read by products, "embedding" by row
 * lookups and "head" by the product that makes logits; the last two lose accuracy below 8 bits. "vector" (norms,
 * biases) and "table" (learned positions) are added or multiplied element by element and stay f32.
 */
export type TensorUse = "linear" | "embedding" | "head" | "vector" | "table";

/** One tensor of a file that fills some rows of a tensor on the GPU. */
export interface TensorPart {
  /** Names that it may have in a file, one per layout. */
  names: readonly string[];
  /** Names of a tensor with the same values. It is read only where a file has none of `names`. */
  fallback?: readonly string[];
  /** Its shape in the file. Leading dimensions of 1 make no difference: some layouts add a batch dimension. */
  shape: readonly number[];
  /** First row that it fills. */
  to: number;
  /** The file holds it as consecutive matrices [rows, cols], each of them transposed. Then `shape` is the file's. */
  transposes?: readonly [rows: number, cols: number];
  /** The file's tensor has `of` rows; those from `first` on are this part. Of plain values only. */
  slice?: { first: number; of: number };
  /** Row i of the file's is row order[i] of the part: a permutation. Of plain values only. */
  order?: readonly number[];
  /** Added to every value, such as 1 for norms that are stored as differences from it. */
  add?: number;
}

/** One tensor on the GPU. */
export interface TensorSpec {
  /** Canonical, such as "encoder.blocks.3.qkv.weight". */
  name: string;
  /** [rows, cols] or [cols] */
  shape: readonly number[];
  use: TensorUse;
  /** In order of rows. Rows that none of them fills are 0, such as the biases of keys in an encoder that has none. */
  parts: readonly TensorPart[];
  /** Canonical name of the tensor to use if a file has no part of this one, such as a tied head. */
  instead?: string;
  /** Parts of a tensor that has none, for a file that stores them with other values than those of `instead`. */
  ifDifferent?: readonly TensorPart[];
}

/** A source tensor: its name below each prefix, and its shape. */
export type Source = readonly [name: string, shape: readonly number[]];

/** A tensor made of source tensors [rows, ...], one below the other; the dimensions after the rows become one. */
export function stack(
  name: string,
  use: TensorUse,
  prefixes: readonly string[],
  sources: readonly Source[],
): TensorSpec {
  let rows = 0;
  const parts = sources.map(([source, shape]) => {
    const part = { names: prefixes.map((prefix) => prefix + source), shape, to: rows };
    rows += shape[0]!;
    return part;
  });
  const row = sources[0]![1].slice(1);
  return { name, use, shape: row.length === 0 ? [rows] : [rows, elementCount(row)], parts };
}

/**
 * The row order of a fused product of queries, keys and values that the file groups by head. Rows [heads, 3, D] become
 * [3, heads, D].
 */
export function headOrder(rows: number, heads: number): number[] {
  const width = rows / heads / 3;
  return Array.from({ length: rows }, (_, row) => {
    const [head, part] = [Math.floor(row / (3 * width)), Math.floor(row / width) % 3];
    return (part * heads + head) * width + (row % width);
  });
}

/** Tensors with a change in each of their parts. */
export function withParts(tensors: readonly TensorSpec[], change: (part: TensorPart) => Partial<TensorPart>) {
  return tensors.map((tensor) => ({ ...tensor, parts: tensor.parts.map((part) => ({ ...part, ...change(part) })) }));
}

/** A vector [width]. */
export function vector(name: string, prefixes: readonly string[], source: string, width: number): TensorSpec {
  return stack(name, "vector", prefixes, [[source, [width]]]);
}

/** A linear layer [rows, cols] of one or several source layers, one below the other: `name.weight` and `name.bias`. */
export function linear(
  name: string,
  prefixes: readonly string[],
  sources: readonly (readonly [source: string, rows: number])[],
  { cols, bias }: { cols: number; bias: boolean },
): TensorSpec[] {
  const weights = sources.map(([source, rows]) => [`${source}.weight`, [rows, cols]] as const);
  const biases = sources.map(([source, rows]) => [`${source}.bias`, [rows]] as const);
  return [
    stack(`${name}.weight`, "linear", prefixes, weights),
    ...(bias ? [stack(`${name}.bias`, "vector", prefixes, biases)] : []),
  ];
}

/** A LayerNorm: `name.weight` and `name.bias`, [width] each. */
export function layerNorm(name: string, prefixes: readonly string[], source: string, width: number): TensorSpec[] {
  return ["weight", "bias"].map((part) => vector(`${name}.${part}`, prefixes, `${source}.${part}`, width));
}
