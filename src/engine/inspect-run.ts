/** Runs an inspected prompt: the logits of all its rows, the decisions of inhibition, and greedy tokens after it. */
import type { Inspection, Matrix } from "../api.ts";
import { FoveaError } from "../errors.ts";
import { GREEDY } from "../generate/token-choice.ts";
import type { Arena } from "../gpu/arena.ts";
import { Readback, readFloats } from "../gpu/readback.ts";
import { view } from "../gpu/tensor.ts";
import { imageRuns, type PromptRows } from "../model/decoder/prompt-rows.ts";
import { rangesOfLayers, withDecodedRows } from "../model/decoder/visible.ts";
import { Inhibitor } from "../model/inhibition/inhibitor.ts";
import { type InhibitionPlan, isOff } from "../model/inhibition/plan.ts";
import { InhibitionRecord } from "../model/inhibition/record.ts";
import type { Engine, TextModel } from "./engine.ts";

/** @param scope owns all allocations; the caller disposes it. Throws as `Fovea.inspect`. */
export async function runInspected(
  engine: Engine,
  text: TextModel,
  scope: Arena,
  prompt: PromptRows,
  { plan, greedySteps }: { plan: InhibitionPlan; greedySteps: number },
): Promise<Pick<Inspection, "layers" | "logits" | "greedy" | "greedyLogits">> {
  assertRoom(text, prompt, greedySteps);
  let inhibitor: Inhibitor | undefined;
  if (!isOff(plan) && prompt.pictures.length > 0) {
    const ranges = withDecodedRows(prompt.visible, greedySteps);
    const sequence = {
      images: imageRuns(prompt),
      visible: rangesOfLayers(text.decoder.spec.layers, ranges, prompt.unwindowed),
    };
    inhibitor = new Inhibitor(engine.gpu, scope, text.decoder, plan, sequence);
  }
  const record = inhibitor && new InhibitionRecord(engine.gpu, scope, inhibitor);
  const logits = await prefillWithLogits(engine, text, scope, prompt, inhibitor);
  const layers = record ? await record.read(prompt.ids.length) : [];
  return { layers, logits, ...(await decodeGreedily(engine, text, prompt, { inhibitor, steps: greedySteps })) };
}

/** Throws FoveaError `context-full` before any allocation, if the context is too small. */
function assertRoom({ sequence, contextLength }: TextModel, prompt: PromptRows, greedySteps: number): void {
  sequence.assertFits(prompt);
  const promptRows = prompt.ids.length;
  // The last token needs no row, because no token follows it.
  if (promptRows + greedySteps - 1 > contextLength)
    throw new FoveaError(
      "context-full",
      `${greedySteps} greedy steps after ${promptRows} tokens need more than the context of ${contextLength}`,
    );
}

/** Runs the prompt and returns the logits of all its rows, [T, V]. */
async function prefillWithLogits(
  { gpu }: Engine,
  { decoder, sequence }: TextModel,
  scope: Arena,
  prompt: PromptRows,
  inhibition: Inhibitor | undefined,
): Promise<Matrix> {
  const rows = prompt.ids.length;
  const cols = decoder.spec.vocabularySize;
  let readback: Readback | undefined;
  try {
    const chunkLogits = await gpu.guardMemory("the logits of all rows", () => {
      readback = new Readback(gpu, rows * cols * 4);
      return scope.tensor("chunk logits", [Math.min(rows, decoder.chunkRows), cols]);
    });
    await sequence.prefill(prompt, {
      inhibition,
      onChunk(pass, hidden) {
        const logits = view(chunkLogits, [hidden.shape[0]!, cols]);
        decoder.logits(pass, hidden, logits);
        readback!.record(pass, logits);
      },
    });
    return { data: new Float32Array(await readback!.read()), rows, cols };
  } finally {
    readback?.dispose();
  }
}

/** Greedy tokens after a prompt that has run. */
async function decodeGreedily(
  { gpu }: Engine,
  { decoder, sequence }: TextModel,
  prompt: PromptRows,
  { inhibitor, steps }: { inhibitor: Inhibitor | undefined; steps: number },
) {
  const cols = decoder.spec.vocabularySize;
  if (steps - 1 > sequence.room)
    throw new FoveaError(
      "context-full",
      `${steps} greedy steps after ${sequence.length} tokens need more than the context of ${sequence.length + sequence.room}`,
    );
  const greedy: number[] = [];
  const data = new Float32Array(steps * cols);
  for (let step = 0; step < steps; step++) {
    if (step > 0 && sequence.isOutgrown) {
      await sequence.prefill(prompt, { generated: step, inhibition: inhibitor });
      await sequence.replay(prompt, greedy);
    }
    greedy.push((await sequence.step(GREEDY)).id);
    data.set(await readFloats(gpu, sequence.logits), step * cols);
  }
  return { greedy, greedyLogits: { data, rows: steps, cols } };
}
