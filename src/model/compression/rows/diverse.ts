/** The rows that differ most from each other: DivPrune (arXiv 2503.02175), with the ties of the specification. */
import { withCapabilities } from "../../../gpu/pass.ts";
import { MAX_DIVERSE_ROWS, diverse as record } from "../../../kernels/diverse.ts";
import { matmul } from "../../../kernels/matmul.ts";
import type { RowMethod } from "./row-method.ts";

export const diverse: RowMethod = {
  mostRows: MAX_DIVERSE_ROWS,
  choose({ recorder, rows, first, order, chosen, scratch }) {
    const [views, all] = rows.shape as [number, number, number];
    const products = scratch.tensor("products of rows", [views, all, all]);
    // In f32 on every device: f16 cannot resolve the millionth within which cosines count as equal.
    matmul(withCapabilities(recorder, { f16: "none" }), { x: rows, weight: rows, y: products });
    const nearest = scratch.tensor("nearest", [views, all - first]);
    record(recorder, { products, nearest, chosen, order, first });
  },
};
