/** The model as numbers: everything that parity tests, research and overlays read, copied off the GPU. */
import type { Inspection, InspectRequest, Matrix } from "../api.ts";
import { FoveaError } from "../errors.ts";
import type { Arena } from "../gpu/arena.ts";
import { Readback, readFloats } from "../gpu/readback.ts";
import { type Tensor, view } from "../gpu/tensor.ts";
import { Inhibitor } from "../model/inhibition/inhibitor.ts";
import { type InhibitionPlan, isOff, planInhibition } from "../model/inhibition/plan.ts";
import { InhibitionRecord } from "../model/inhibition/record.ts";
import { imageRuns, type Prompt, splicePrompt } from "../model/prompt.ts";
import { GREEDY } from "../model/sequence.ts";
import { withDecodedRows } from "../model/visible.ts";
import { checkFields } from "../shared/arguments.ts";
import { checkInteger } from "../shared/assert.ts";
import type { Engine, TextModel } from "./engine.ts";
import { readMatrix, readStages } from "./stages.ts";
import { type EncodedImage, imageTokens, type VisionModel } from "./vision-model.ts";

/** Throws as `Fovea.inspect` says. The caller holds the engine's lock. */
export async function inspect(engine: Engine, request: InspectRequest): Promise<Inspection> {
  const { gpu, text, vision } = engine;
  if (!text)
    throw new FoveaError("unsupported-model", "inspect needs a decoder; for a classifier there is encodeImage");
  const { pixelValues = [], inputIds, greedySteps = 0 } = request;
  if (!Array.isArray(pixelValues)) throw new TypeError(`pixelValues must be a list, got ${typeof pixelValues}`);
  const { compression = { method: "none" }, inhibition = { maxRatio: 0 } } = request;
  if (!Array.isArray(inputIds)) throw new TypeError(`inputIds must be an array of token ids, got ${typeof inputIds}`);
  checkInteger("greedySteps", greedySteps, 0);
  if (pixelValues.length > 0 && !vision)
    throw new TypeError(`this model reads no pictures; ${pixelValues.length} were given`);
  vision?.plan(compression);
  const plan = planInhibition(inhibition, text.decoder.layers);

  const scope = gpu.arena.scope();
  const encoded: EncodedImage[] = [];
  try {
    for (const values of pixelValues) {
      const pixels = uploadPixels(engine, vision!, scope, values);
      encoded.push(await vision!.encode(pixels, { compression, keepTokens: true }));
    }
    const images = [];
    for (const { features, projected, stages } of encoded)
      images.push({
        features: await readMatrix(gpu, features),
        projected: await readMatrix(gpu, projected!),
        stages: await readStages(gpu, stages),
      });
    const prompt = splicePrompt(inputIds, encoded.map(imageTokens), {
      imageTokenId: engine.config.imageTokenId,
      vocabularySize: text.decoder.config.vocabularySize,
    });
    assertRoom(text, prompt.ids.length, greedySteps);
    const inhibitor = inhibitionOf(engine, text, scope, prompt, { plan, greedySteps });
    const record = inhibitor && new InhibitionRecord(gpu, scope, inhibitor);
    const logits = await prefillWithLogits(engine, text, scope, prompt, inhibitor);
    const layers = record ? await record.read(prompt.ids.length) : [];
    const { greedy, greedyLogits } = await decodeGreedily(engine, text, greedySteps);
    return { images, layers, logits, greedy, greedyLogits };
  } finally {
    text.conversation.reset();
    for (const { arena } of encoded) arena.dispose();
    scope.dispose();
  }
}

/** Throws FoveaError `context-full` before anything is allocated for rows that the context does not have. */
function assertRoom({ sequence, contextLength }: TextModel, promptRows: number, greedySteps: number): void {
  sequence.assertFits(promptRows);
  // The last token needs no row, as nothing comes after it.
  if (promptRows + greedySteps - 1 > contextLength)
    throw new FoveaError(
      "context-full",
      `${greedySteps} greedy steps after ${promptRows} tokens need more than the context of ${contextLength}`,
    );
}

/** Inhibition of the prompt's images, in `scope`; undefined where nothing is inhibited. */
function inhibitionOf(
  { gpu }: Engine,
  { decoder }: TextModel,
  scope: Arena,
  prompt: Prompt,
  { plan, greedySteps }: { plan: InhibitionPlan; greedySteps: number },
): Inhibitor | undefined {
  if (isOff(plan) || prompt.images.length === 0) return undefined;
  const ranges = withDecodedRows(prompt.visible, greedySteps);
  return new Inhibitor(gpu, scope, decoder, plan, { images: imageRuns(prompt), visible: () => ranges });
}

function uploadPixels(
  { gpu }: Engine,
  { config: { imageSize } }: VisionModel,
  scope: Arena,
  values: NonNullable<InspectRequest["pixelValues"]>[number],
): Tensor {
  checkFields("each of pixelValues", values);
  const { data, shape } = values;
  const expected = [3, imageSize, imageSize];
  if (!(data instanceof Float32Array) || !shape || expected.some((side, i) => shape[i] !== side) || shape.length !== 3)
    throw new TypeError(`pixelValues must be a Float32Array of shape [${expected}], got shape [${shape}]`);
  if (data.length !== 3 * imageSize * imageSize)
    throw new TypeError(`pixelValues of shape [${shape}] has ${data.length} values, not ${3 * imageSize * imageSize}`);
  const notFinite = data.findIndex((value) => !Number.isFinite(value));
  if (notFinite >= 0)
    throw new RangeError(`pixelValues must be finite numbers, got ${data[notFinite]} at ${notFinite}`);
  const pixels = scope.tensor("pixels", shape);
  gpu.upload(pixels, data);
  return pixels;
}

/** Runs the prompt and returns the logits of all its rows, [T, V]. */
async function prefillWithLogits(
  { gpu }: Engine,
  { decoder, sequence }: TextModel,
  scope: Arena,
  prompt: Prompt,
  inhibition: Inhibitor | undefined,
): Promise<Matrix> {
  const rows = prompt.ids.length;
  const cols = decoder.config.vocabularySize;
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

async function decodeGreedily({ gpu }: Engine, { decoder, sequence }: TextModel, steps: number) {
  const cols = decoder.config.vocabularySize;
  if (steps - 1 > sequence.room)
    throw new FoveaError(
      "context-full",
      `${steps} greedy steps after ${sequence.length} tokens need more than the context of ${sequence.length + sequence.room}`,
    );
  const greedy: number[] = [];
  const data = new Float32Array(steps * cols);
  for (let step = 0; step < steps; step++) {
    greedy.push(await sequence.step(GREEDY));
    data.set(await readFloats(gpu, sequence.logits), step * cols);
  }
  return { greedy, greedyLogits: { data, rows: steps, cols } };
}
