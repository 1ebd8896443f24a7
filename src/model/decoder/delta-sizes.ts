/** Sizes of the state and the buffers of a gated delta rule, in elements. Pure. */
import { DELTA_CHUNK, deltaWidth } from "../../kernels/delta-rule.ts";
import type { DeltaSpec } from "../../spec/model-spec.ts";

/** The last rows of the convolution's input, the first part of a state. */
export function convolutionState(spec: DeltaSpec): number {
  return (spec.taps - 1) * deltaWidth(spec);
}

/** A layer's state: rows of the convolution's input, then S of each value head. */
export function deltaState(spec: DeltaSpec): number {
  return convolutionState(spec) + spec.valueHeads * spec.keyWidth * spec.valueWidth;
}

/** A row of the first product: queries, keys, values, and the gate of the output. */
export function deltaMixing(spec: DeltaSpec): number {
  return deltaWidth(spec) + spec.valueHeads * spec.valueWidth;
}

/** A row of the buffers that only these layers use. */
export function deltaScratch({ valueHeads }: DeltaSpec): Record<"gates" | "pairs" | "scales", number> {
  return { gates: 2 * valueHeads, pairs: 2 * DELTA_CHUNK * valueHeads, scales: 4 * valueHeads };
}
