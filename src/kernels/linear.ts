/** A linear layer: the kernel for the number of rows, once for each buffer of the weights. */
import type { Recorder } from "../gpu/pass.ts";
import { type Matrix, partsOf, view } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { matrixShape } from "./common.ts";
import { type MatmulArgs, matmul } from "./matmul.ts";
import { matvec } from "./matvec.ts";
import type { RowNorm } from "./row-product.ts";

export interface LinearArgs extends Omit<MatmulArgs, "weight" | "stride"> {
  weight: Matrix; // [N, K]
  /** For a single row only: x passes through this norm first. */
  norm?: RowNorm | undefined;
}

/** `matvec` for a single row, `matmul` for more, with the same result. Only `matvec` takes a norm. */
export function linear(recorder: Recorder, { norm, exact, weight, bias, y, ...args }: LinearArgs): void {
  const [rows, cols] = matrixShape("linear y", y);
  assert(rows === 1 || !norm, "linear: only one row is normed inside its product");
  assert(weight.shape[0] === cols, `linear: ${cols} columns of weights [${weight.shape}]`);
  let first = 0;
  for (const part of partsOf(weight)) {
    const count = part.shape[0]!;
    const columns = {
      ...args,
      weight: part,
      bias: bias && view(bias, [count], first),
      y: view(y, [rows, count], first),
    };
    if (rows === 1) matvec(recorder, { ...columns, norm });
    else matmul(recorder, { ...columns, stride: cols, exact });
    first += count;
  }
}
