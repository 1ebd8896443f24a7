/** The k largest values of each view, with stable ties (paper eq. 5). */
import shader from "../../shaders/top-k.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "top-k",
  shader,
  bindings: { values: "read", order: "write" },
  params: { count: "u32", kept: "u32" },
});

/** Bits of the shader's bitmap; the largest encoders have 4096 patches. */
const MAX_COUNT = 16384;

export interface TopKArgs {
  values: Tensor; // [B, N]
  order: Tensor; // [B, N] u32
  /** k, at most N */
  kept: number;
}

/**
 * order of each view = indices of its k largest values, ascending, then indices of the others, ascending. Of equal values
 * the one of lower index is the larger.
 */
export function topK(recorder: Recorder, { values, order, kept }: TopKArgs): void {
  const [views, count] = matrixShape("top-k values", values);
  checkShape("top-k order", order, [views, count]);
  assert(kept <= count && count <= MAX_COUNT, `top-k: ${kept} of ${count}, at most ${MAX_COUNT}`);
  recorder.dispatch(kernel.variant(), { values, order }, { count, kept }, [views]);
}
