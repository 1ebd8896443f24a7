/** The k largest of a list, with stable ties (paper eq. 5). */
import shader from "../../shaders/top-k.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape } from "./common.ts";

const kernel = new Kernel({
  name: "top-k",
  shader,
  bindings: { values: "read", order: "write" },
  params: { count: "u32", kept: "u32" },
});

/** Of the shader's bitmap; the largest encoders have 4096 patches. */
const MAX_COUNT = 16384;

export interface TopKArgs {
  values: Tensor; // [N]
  order: Tensor; // [N] u32
  /** k, at most N */
  kept: number;
}

/**
 * order = indices of the k largest values, ascending, then indices of the others, ascending. Among equals the lower
 * index is the larger.
 */
export function topK(recorder: Recorder, { values, order, kept }: TopKArgs): void {
  const count = values.shape[0]!;
  checkShape("top-k order", order, [count]);
  assert(kept <= count && count <= MAX_COUNT, `top-k: ${kept} of ${count}, at most ${MAX_COUNT}`);
  recorder.dispatch(kernel.variant(), { values, order }, { count, kept }, [1]);
}
