/**
 * The first half of a recurrent layer: a gated delta rule after a short convolution (Gated DeltaNet, Yang et al. 2024).
 * Many rows run in chunks, one row in a step.
 */
import type { Recorder } from "../../gpu/pass.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { causalConv, type StatePlaces } from "../../kernels/causal-conv.ts";
import { deltaChunks } from "../../kernels/delta-chunks.ts";
import { deltaPairs } from "../../kernels/delta-pairs.ts";
import { deltaWidth } from "../../kernels/delta-rule.ts";
import { deltaStep } from "../../kernels/delta-step.ts";
import { gatedNorm } from "../../kernels/gated-norm.ts";
import { linear } from "../../kernels/linear.ts";
import type { DeltaSpec } from "../../spec/model-spec.ts";
import type { Weights } from "../load/fill.ts";
import { convolutionState, deltaMixing, deltaScratch, deltaState } from "./delta-sizes.ts";
import type { ProductInput } from "./layer-products.ts";
import type { SlotStep } from "./state-slots.ts";
import type { Workspace } from "./workspace.ts";

export interface DeltaLayerArgs {
  /** Rows of the chunk, normed: two products read them. */
  input: ProductInput; // [T, W]
  /** Name of the layer, the prefix of its weights' names. */
  name: string;
  weights: Weights;
  space: Workspace;
  state: Tensor; // [STATE_SLOTS, deltaState]
  slots: SlotStep;
  eps: number;
}

/** Records the rows of a chunk, [T, Hv dv], before the last product of the layer's half. */
export function recordDelta(recorder: Recorder, spec: DeltaSpec, args: DeltaLayerArgs): Tensor {
  const { input, name, weights, space, state, slots, eps } = args;
  const { valueHeads, valueWidth, taps } = spec;
  const rows = input.x.shape[0]!;
  const [channels, values] = [deltaWidth(spec), valueHeads * valueWidth];
  const mixing = view(space.mixing, [rows, deltaMixing(spec)]);
  const gates = view(space.gates, [rows, 2 * valueHeads]);
  linear(recorder, { ...input, weight: weights.matrix(`${name}.in.weight`), y: mixing });
  linear(recorder, { ...input, weight: weights.matrix(`${name}.gates.weight`), y: gates });

  const width = deltaState(spec);
  const places = (offset: number): StatePlaces => ({
    from: slots.from === undefined ? undefined : slots.from * width + offset,
    to: slots.to * width + offset,
  });
  const qkv = view(space.q, [rows, channels]);
  const weight = view(weights.get(`${name}.conv.weight`), [channels, taps]);
  causalConv(recorder, { x: mixing, weight, state, places: places(0), y: qkv });

  const y = view(space.mixed, [rows, values]);
  const rule = {
    ...{ qkv, gates, rate: weights.get(`${name}.rate`), bias: weights.get(`${name}.rateBias`) },
    ...{ state, places: places(convolutionState(spec)), y },
    ...spec,
  };
  if (rows === 1) {
    deltaStep(recorder, rule);
  } else {
    const { pairs, scales } = deltaScratch(spec);
    const within = { pairs: view(space.pairs, [rows, pairs]), scales: view(space.scales, [rows, scales]) };
    deltaPairs(recorder, { ...rule, ...within });
    deltaChunks(recorder, { ...rule, ...within });
  }
  gatedNorm(recorder, { x: y, weight: weights.get(`${name}.headNorm.weight`), gate: mixing, offset: channels, eps });
  return y;
}
