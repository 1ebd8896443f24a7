/** A linear layer: the kernel that suits the number of rows. */
import type { Recorder } from "../gpu/pass.ts";
import { assert } from "../shared/assert.ts";
import { type MatmulArgs, matmul } from "./matmul.ts";
import { matvec } from "./matvec.ts";
import type { RowNorm } from "./row-product.ts";

/** `matvec` for a single row, which alone may be normed on the way; `matmul` for more. The same arguments, the same result. */
export function linear(recorder: Recorder, { norm, ...args }: MatmulArgs & { norm?: RowNorm | undefined }): void {
  if (args.x.shape[0] === 1) {
    matvec(recorder, { ...args, norm });
  } else {
    assert(!norm, "linear: only one row is normed inside its product");
    matmul(recorder, args);
  }
}
