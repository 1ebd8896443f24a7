/** The model as numbers, read back from the GPU for parity tests, research and overlays. */
import type { Inspection, InspectRequest } from "../api.ts";
import { FoveaError } from "../errors.ts";
import type { Arena } from "../gpu/arena.ts";
import { promptRows } from "../model/decoder/prompt-rows.ts";
import { type EncodedPicture, promptPicture } from "../model/encoder/encoded-picture.ts";
import { planInhibition } from "../model/inhibition/plan.ts";
import { checkInteger } from "../shared/assert.ts";
import { type PreparedConversation, prepareConversation } from "./conversation-prompt.ts";
import type { Engine, TextModel } from "./engine.ts";
import { type InspectedPrompt, inspectConversation, inspectTensors } from "./inspect-prompt.ts";
import { runInspected } from "./inspect-run.ts";
import { checkBudget } from "./pictures.ts";
import { readInspectedViews, readProjected, readTaps } from "./read-views.ts";

/**
 * The part of an inspection before any GPU work: checks, and for a conversation its text and pictures, which the caller
 * closes. Throws as `Fovea.inspect`.
 */
export async function prepareInspection(
  engine: Engine,
  request: InspectRequest,
): Promise<PreparedConversation | undefined> {
  const { messages, inputIds, pixelValues, addGenerationPrompt = true, pictures: budget = {} } = request;
  needText(engine);
  if ((messages === undefined) === (inputIds === undefined))
    throw new TypeError("inspect takes either messages or inputIds, and exactly one of them");
  if (messages !== undefined && pixelValues !== undefined)
    throw new TypeError("inspect takes pixelValues with inputIds only; pictures of messages are in their parts");
  checkInteger("greedySteps", request.greedySteps ?? 0, 0);
  if (!messages) return undefined;
  if (typeof addGenerationPrompt !== "boolean")
    throw new TypeError(`addGenerationPrompt must be true or false, got ${typeof addGenerationPrompt}`);
  checkBudget(budget);
  return prepareConversation(engine, messages, { addGenerationPrompt });
}

function needText({ text }: Engine): TextModel {
  if (!text)
    throw new FoveaError("unsupported-model", "inspect needs a decoder; for a classifier there is encodeImage");
  return text;
}

/** Throws as `Fovea.inspect`. The caller holds the engine's lock. @param prepared by `prepareInspection` */
export async function inspect(
  engine: Engine,
  request: InspectRequest,
  prepared: PreparedConversation | undefined,
): Promise<Inspection> {
  const text = needText(engine);
  const { greedySteps = 0, inhibition = { maxRatio: 0 }, compression = { method: "none" } } = request;
  const plan = planInhibition(inhibition, text.decoder.spec.layers);
  const { pictures, spec } = engine;
  pictures?.rows.planViews(compression, [spec.encoder!.positions.grid]);
  // The inspection overwrites the rows of the last conversation.
  await text.conversation.release();
  const scope = engine.gpu.arena.scope();
  const encoded: EncodedPicture[] = [];
  try {
    const prompt = prepared
      ? await inspectConversation(engine, request, prepared, encoded)
      : await inspectTensors(engine, request, scope, encoded);
    return await finish(engine, text, scope, prompt, { plan, greedySteps });
  } finally {
    for (const { arena } of encoded) arena.dispose();
    scope.dispose();
  }
}

async function finish(
  engine: Engine,
  text: TextModel,
  scope: Arena,
  { text: rendered, placed, pictures }: InspectedPrompt,
  options: Parameters<typeof runInspected>[4],
): Promise<Inspection> {
  const { gpu } = engine;
  const images: Inspection["images"] = [];
  for (const { encoded, order } of pictures) {
    const views = await readInspectedViews(gpu, engine.pictures!, encoded);
    const projected = await readProjected(gpu, encoded, order);
    const taps = await readTaps(gpu, encoded, order);
    images.push({ views, projected, taps, features: views[0]!.features, stages: views[0]!.stages });
  }
  const rows = promptRows(
    placed,
    pictures.map(({ encoded, order }) => promptPicture(encoded, order)),
    { ...text.decoder.spec, axes: text.decoder.axes },
  );
  const run = await runInspected(engine, text, scope, rows, options);
  return {
    prompt: {
      text: rendered,
      ids: Uint32Array.from(placed.ids, (id) =>
        id === engine.spec.imageTokenId ? (engine.spec.publishedImageId ?? id) : id,
      ),
      positions: {
        data: Float32Array.from(rows.positions),
        rows: rows.positions.length / rows.ids.length,
        cols: rows.ids.length,
      },
      pictures: placed.pictures.map(joinedRanges),
    },
    images,
    ...run,
  };
}

/** Joins neighbouring ranges. */
function joinedRanges(ranges: readonly { start: number; count: number }[]): { start: number; count: number }[] {
  const joined: { start: number; count: number }[] = [];
  // Ranges of no rows are of pictures beside the prompt.
  for (const { start, count } of ranges.filter((range) => range.count > 0)) {
    const last = joined.at(-1);
    if (last && last.start + last.count === start) last.count += count;
    else joined.push({ start, count });
  }
  return joined;
}
