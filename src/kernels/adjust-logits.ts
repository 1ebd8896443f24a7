/** Adds a request's bias and penalties to the logits that the sampler reads. */
import shader from "../../shaders/adjust-logits.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ceilDiv, checkNumber } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import { checkShape, elementGrid } from "./common.ts";

const WORKGROUP_SIZE = 256;

const kernel = new Kernel({
  name: "adjust-logits",
  shader,
  bindings: { logits: "read", bias: "read", seen: "read", token: "read", counts: "write", adjusted: "write" },
  params: {
    vocabulary: "u32",
    hasLast: "u32",
    repetitionPenalty: "f32",
    frequencyPenalty: "f32",
    presencePenalty: "f32",
  },
});

export interface AdjustLogitsArgs {
  logits: Tensor; // [V]
  /** Added to the logits before the penalties. */
  bias: Tensor; // [V]
  /** Bits of the ids that the repetition penalty falls on. */
  seen: Tensor; // [ceil(V / 32)] u32
  /** The token that was chosen last. */
  token: Tensor; // [1] u32
  /** How often each id was generated; `token` is added if `hasLast`. */
  counts: Tensor; // [V] u32
  adjusted: Tensor; // [V]
  hasLast: boolean;
  /** As in `sample`. */
  repetitionPenalty: number;
  /** Subtracted once for each time that the token was generated. */
  frequencyPenalty: number;
  /** Subtracted from each token that was generated. */
  presencePenalty: number;
}

/** Bias, then penalties: repetition, frequency, presence, the order of vLLM. Throws RangeError for values out of range. */
export function adjustLogits(recorder: Recorder, args: AdjustLogitsArgs): void {
  const { logits, bias, seen, token, counts, adjusted, hasLast } = args;
  const vocabulary = elementCount(logits.shape);
  for (const [name, tensor] of Object.entries({ logits, bias, counts, adjusted }))
    checkShape(`adjust-logits ${name}`, tensor, [vocabulary]);
  checkShape("adjust-logits seen", seen, [ceilDiv(vocabulary, 32)]);
  checkShape("adjust-logits token", token, [1]);
  const params = {
    vocabulary,
    hasLast: hasLast ? 1 : 0,
    repetitionPenalty: checkNumber("repetitionPenalty", args.repetitionPenalty, 0.01, 100),
    frequencyPenalty: checkNumber("frequencyPenalty", args.frequencyPenalty, -2, 2),
    presencePenalty: checkNumber("presencePenalty", args.presencePenalty, -2, 2),
  };
  const tensors = { logits, bias, seen, token, counts, adjusted };
  recorder.dispatch(kernel.variant(), tensors, params, elementGrid(vocabulary, WORKGROUP_SIZE));
}
