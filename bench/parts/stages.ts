/** One compression stage with its importance on its own, on hidden states of noise: the cost of the compression itself. */
import type { Arena } from "../../src/gpu/arena.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { importance } from "../../src/kernels/importance.ts";
import type { StagePlan, ViewPlan } from "../../src/model/compression/plan.ts";
import { compressStage } from "../../src/model/compression/stage.ts";
import type { EncoderSpec } from "../../src/spec/model-spec.ts";
import type { Recording } from "./measure.ts";
import { noise } from "./rates.ts";

/** A recording of each stage of a plan, on a batch of `views` views. Takes its inputs from `arena`. */
export function stageRecordings(gpu: Gpu, arena: Arena, spec: EncoderSpec, plan: ViewPlan, views: number): Recording[] {
  if (plan.method !== "vmtc") return [];
  const { iterations, normalized, stages } = plan;
  return stages.map((stage) => stageRecording(gpu, arena, spec, { stage, views, iterations, normalized }));
}

function stageRecording(
  gpu: Gpu,
  arena: Arena,
  { width, heads, cell, classToken }: EncoderSpec,
  options: { stage: StagePlan; views: number; iterations: number; normalized: boolean },
): Recording {
  const { stage, views, iterations, normalized } = options;
  const { before, tokens } = stage;
  const seats = cell ** 2;
  const first = classToken ? 1 : 0;
  const headWidth = width / heads;
  const rows = views * (first + before * seats);
  const [hidden, qkv] = [noise(gpu, arena, [rows, width]), noise(gpu, arena, [rows, 3 * width])];
  const logSumExp = noise(gpu, arena, [rows, heads]);
  const owners = arena.tensor("owners", [views, before], "u32");
  const packed = (part: number) => ({ tensor: qkv, stride: 3 * width, offset: part * width });
  return (recorder, scratch) => {
    const scores = scratch.tensor("scores", [views, before]);
    const output = scratch.tensor("output", [views * (first + tokens * seats), width]);
    const shape = { classToken, seats, heads, headWidth, scale: 1 / Math.sqrt(headWidth) };
    importance(recorder, { q: packed(0), k: packed(1), logSumExp, scores, ...shape });
    const args = { plan: stage, iterations, normalized, first, seats, scores, owners, hidden, output };
    compressStage(recorder, { ...args, kept: scratch, scratch });
  };
}
