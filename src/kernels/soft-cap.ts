/** The soft limit of output logits (Gemma 2). Attention logits have theirs inside the attention kernels. */
import softCapLib from "../../shaders/lib/soft-cap.wgsl?raw";
import shader from "../../shaders/soft-cap.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { elementCount } from "../shared/shape.ts";
import { elementGrid } from "./common.ts";

const WORKGROUP_SIZE = 256;

const kernel = new Kernel({
  name: "soft-cap",
  shader,
  bindings: { values: "write" },
  params: { count: "u32", cap: "f32" },
});

/** values = cap * tanh(values / cap), in place. @param values of any shape */
export function softCap(recorder: Recorder, { values, cap }: { values: Tensor; cap: number }): void {
  const count = elementCount(values.shape);
  const variant = kernel.variant({ libs: { key: "", texts: [softCapLib] }, constants: { WORKGROUP_SIZE } });
  recorder.dispatch(variant, { values }, { count, cap }, elementGrid(count, WORKGROUP_SIZE));
}
