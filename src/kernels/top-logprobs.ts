/** Log-probabilities of the chosen token and of the most likely ones, so that no logits are read back. */
import floatKeyLib from "../../shaders/lib/float-key.wgsl?raw";
import shader from "../../shaders/top-logprobs.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ceilDiv, checkInteger } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { checkShape } from "./common.ts";

const kernel = new Kernel({
  name: "top-logprobs",
  shader,
  bindings: { logits: "read", allowed: "read", token: "read", ids: "write", logprobs: "write" },
  params: { vocabulary: "u32", count: "u32" },
});

/** The most tokens listed besides the chosen one. */
export const MAX_TOP_LOGPROBS = 20;

/** On the CPU barriers are cheap for one quad only, and each word of workgroup memory costs; see sample.ts. */
const ON_GPU = { THREADS: 256, BLOCKS: 256 };
const ON_CPU = { THREADS: 4, BLOCKS: 64 };

export interface TopLogprobsArgs {
  logits: Tensor; // [V]
  /** Bits of the ids that may be listed. */
  allowed: Tensor; // [ceil(V / 32)] u32
  /** The chosen id. */
  token: Tensor; // [1] u32
  /** The chosen id, then `count` ids, most likely first, of equal ones the lower first; NO_TOKEN where there are fewer. */
  ids: Tensor; // [21] u32
  /** log-softmax over all V logits, in the order of `ids`. */
  logprobs: Tensor; // [21]
  count: number;
}

/** Throws RangeError for a count above 20. */
export function topLogprobs(recorder: Recorder, args: TopLogprobsArgs): void {
  const { logits, allowed, token, ids, logprobs, count } = args;
  const vocabulary = elementCount(logits.shape);
  checkShape("top-logprobs logits", logits, [vocabulary]);
  checkShape("top-logprobs allowed", allowed, [ceilDiv(vocabulary, 32)]);
  checkShape("top-logprobs token", token, [1]);
  checkShape("top-logprobs ids", ids, [1 + MAX_TOP_LOGPROBS]);
  checkShape("top-logprobs logprobs", logprobs, [1 + MAX_TOP_LOGPROBS]);
  checkInteger("topLogprobs", count, 0, MAX_TOP_LOGPROBS);
  const constants = recorder.capabilities.software ? ON_CPU : ON_GPU;
  const variant = kernel.variant({ libs: { key: "", texts: [floatKeyLib] }, constants });
  recorder.dispatch(variant, { logits, allowed, token, ids, logprobs }, { vocabulary, count }, [1]);
}
