/** Chooses rows that differ from each other: DivPrune (arXiv 2503.02175), with the ties of the specification. */
import shader from "../../shaders/diverse.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { batchShape, checkShape, matrixShape, withRowReduction } from "./common.ts";

const kernel = new Kernel({
  name: "diverse",
  shader,
  bindings: { products: "read", nearest: "write", chosen: "write", order: "write" },
  params: { first: "u32", rows: "u32", kept: "u32" },
});

/**
 * The most rows of a view: their products are a table of n * n, 64 MiB at 4096. The first choice compares all pairs and
 * needs the table; with it, each later choice reads only n numbers.
 *
 * Rejected: products with the newest row only, computed inside this kernel. One workgroup would then do all of the k *
 * n * C work, while the matmul for the table uses the whole GPU.
 */
export const MAX_DIVERSE_ROWS = 4096;

export interface DiverseArgs {
  /** x x^T of each view's rows x [first + n, C], in f32: ties are closer than f16 can tell. */
  products: Tensor; // [B, first + n, first + n]
  nearest: Tensor; // [B, n], scratch
  /** Out: the kept rows of each view in order of choice. */
  chosen: Tensor; // [B, k] u32
  /** Out: the kept rows of each view, ascending, then the others, ascending. */
  order: Tensor; // [B, n] u32
  /** Rows of a view that take no part: 1 with a class token. */
  first: number;
}

/**
 * Keeps k of the n rows of each view after the first ones; distance = 1 - cosine. The first is the row whose nearest
 * other row is farthest, each next one the row whose nearest kept row is farthest. Values within 1e-6 of the best count
 * as equal: lowest index.
 */
export function diverse(recorder: Recorder, { products, nearest, chosen, order, first }: DiverseArgs): void {
  const [views, allRows] = batchShape("diverse products", products);
  const rows = allRows - first;
  const [, kept] = matrixShape("diverse chosen", chosen);
  assert(kept >= 1 && kept <= rows && rows <= MAX_DIVERSE_ROWS, `diverse: ${kept} of ${rows} rows`);
  checkShape("diverse products", products, [views, allRows, allRows]);
  checkShape("diverse nearest", nearest, [views, rows]);
  checkShape("diverse chosen", chosen, [views, kept]);
  checkShape("diverse order", order, [views, rows]);
  const variant = kernel.variant(withRowReduction(recorder.capabilities, 256));
  recorder.dispatch(variant, { products, nearest, chosen, order }, { first, rows, kept }, [views]);
}
