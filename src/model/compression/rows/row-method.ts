/**
 * A way to choose which rows of the connector a picture keeps. A new one is a file in this folder, a line in
 * registry.ts and its name in `RowMethodName`. Planning, memory, overlays and positions follow by themselves
 * (docs/adding-a-method.md).
 */
import type { Arena } from "../../../gpu/arena.ts";
import type { Recorder } from "../../../gpu/pass.ts";
import type { Tensor } from "../../../gpu/tensor.ts";
import type { Grid } from "../../../spec/picture-spec.ts";

export interface RowMethod {
  /** The most rows of a view that it can compare; unlimited if missing. */
  mostRows?: number;
  /** Records the choice, or uploads it if it does not depend on the rows. */
  choose(args: RowChoice): void;
}

/** The inputs and outputs of a method. B views of n rows each, of which k are kept. */
export interface RowChoice {
  recorder: Recorder;
  /** The connector's rows of each view, after `first` rows that are kept in any case. */
  rows: Tensor; // [B, first + n, W]
  /** 1 with a class token, else 0. */
  first: number;
  /** The places of the n rows, in raster order; undefined for rows of learned queries, which have none. */
  grid: Grid | undefined;
  /** Out: the kept rows, ascending, then the others, ascending. */
  order: Tensor; // [B, n] u32
  /** Out: the kept rows in order of choice. */
  chosen: Tensor; // [B, k] u32
  /** Owns the method's own tensors, until the work is submitted. */
  scratch: Arena;
  /** Writes into a tensor before the recorded work runs. */
  upload(tensor: Tensor, values: Uint32Array | Float32Array): void;
}
