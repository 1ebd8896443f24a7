/** The prompt of an inspection: from a conversation with pictures, or from ids and pixel values. */
import type { InspectRequest } from "../api.ts";
import type { Arena } from "../gpu/arena.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { expandPlaceholders } from "../model/decoder/prompt-rows.ts";
import { type EncodedPicture, rowsInPrompt } from "../model/encoder/encoded-picture.ts";
import type { PictureEncoder } from "../model/encoder/picture-encoder.ts";
import type { PlacedIds } from "../model/picture-rows.ts";
import { checkFields } from "../shared/arguments.ts";
import { shown } from "../shared/json.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import type { PictureSpec, View } from "../spec/picture-spec.ts";
import { buildPrompt } from "../text/prompt.ts";
import { checkKnownIds, needLanguage, type PreparedConversation, questionIds } from "./conversation-prompt.ts";
import type { Engine } from "./engine.ts";
import { encodePicture, needPictures, readsAsSeveral } from "./pictures.ts";
import { viewsInOrder } from "./read-views.ts";

/** A prompt that is ready to run, and the pictures in it. */
export interface InspectedPrompt {
  /** The rendered text, with placeholders not expanded; empty for a prompt of ids. */
  text: string;
  placed: PlacedIds;
  /** With the views in the order of the prompt's runs. */
  pictures: readonly { encoded: EncodedPicture; order: readonly number[] }[];
}

/**
 * The prompt of a conversation with rendered text and fetched pictures: plans, encodes, tokenises.
 *
 * @param encoded receives each picture; the caller disposes their arenas, also after an error
 */
export async function inspectConversation(
  engine: Engine,
  request: InspectRequest,
  { rendered, pictures: inputs }: PreparedConversation,
  encoded: EncodedPicture[],
): Promise<InspectedPrompt> {
  const { compression = { method: "none" }, pictures: budget = {} } = request;
  const { tokenizer } = needLanguage(engine);
  const several = readsAsSeveral(engine, inputs.all.length);
  const question = questionIds(engine, rendered);
  for (const input of inputs.all)
    encoded.push(await encodePicture(engine, input, { compression, budget, several, question, keepAll: true }));
  const runs = encoded.map((picture) => needPictures(engine).pictures.runs(picture.plan, rowsInPrompt(picture)));
  const prompt = buildPrompt(tokenizer, rendered, runs);
  checkKnownIds(prompt.ids, engine.spec);
  return {
    text: prompt.text,
    placed: prompt,
    pictures: encoded.map((picture, i) => ({ encoded: picture, order: viewsInOrder(runs[i]!) })),
  };
}

/** One view and one placeholder for each picture. Takes the pixels' memory from `scope`. */
export async function inspectTensors(
  engine: Engine,
  request: InspectRequest,
  scope: Arena,
  encoded: EncodedPicture[],
): Promise<InspectedPrompt> {
  const { pixelValues = [], inputIds, compression = { method: "none" } } = request;
  if (!Array.isArray(pixelValues)) throw new TypeError(`pixelValues must be a list, got ${typeof pixelValues}`);
  if (!Array.isArray(inputIds)) throw new TypeError(`inputIds must be an array of token ids, got ${typeof inputIds}`);
  if (pixelValues.length > 0 && !engine.pictures)
    throw new TypeError(`this model reads no pictures; ${pixelValues.length} were given`);
  for (const values of pixelValues) encoded.push(await encodePixels(engine, scope, values, compression));
  if (pixelValues.length > 0 && engine.language?.questionIds)
    throw new RangeError("this model's image tokens depend on the question: inspect it by messages, not by ids");
  const { decoder } = engine.spec;
  const counts = encoded.map((picture) => (decoder?.beside ? 0 : rowsInPrompt(picture)[0]!));
  return {
    text: "",
    placed: expandPlaceholders(ownIds(engine.spec, inputIds), counts, engine.spec.imageTokenId),
    pictures: encoded.map((picture) => ({ encoded: picture, order: [0] })),
  };
}

/** Replaces the published placeholder id by the engine's own. */
function ownIds({ imageTokenId, publishedImageId }: ModelSpec, ids: readonly number[]): readonly number[] {
  if (publishedImageId === undefined) return ids;
  return ids.map((id) => (id >>> 0 === publishedImageId ? imageTokenId! : id));
}

async function encodePixels(
  engine: Engine,
  scope: Arena,
  values: NonNullable<InspectRequest["pixelValues"]>[number],
  compression: NonNullable<InspectRequest["compression"]>,
): Promise<EncodedPicture> {
  const { encoder, pictures } = needPictures(engine);
  const { width, height, grid } = viewOfPixels(pictures, encoder, values);
  const pixels = uploadPixels(engine, scope, values, [3, height, width]);
  const view = { grid, canvas: 0, left: 0, top: 0, width, height };
  const plan = { canvases: [], views: [view] };
  return encoder.encode(engine.gpu, plan, encoder.batches(plan, compression), [pixels], { compression, keepAll: true });
}

/**
 * The view of pixel values, of the model's own size. If views have the shape of their picture, it has the values' size
 * in whole cells.
 */
function viewOfPixels(
  { largest, shaped, plan }: PictureSpec,
  { spec: { patch, cell } }: PictureEncoder,
  values: NonNullable<InspectRequest["pixelValues"]>[number],
): Pick<View, "grid" | "width" | "height"> {
  const [, height = 0, width = 0] = Array.isArray(values?.shape) ? values.shape : [];
  const factor = patch.side * cell;
  const isWhole = [height, width].every((side) => Number.isInteger(side) && side > 0 && side % factor === 0);
  if (!shaped) return plan(largest.width, largest.height, {}).views[0]!;
  if (!isWhole || width * height > shaped.maxPixels)
    throw new RangeError(
      `pixelValues must have sides that are multiples of ${factor} pixels, and at most ${shaped.maxPixels} pixels, got ${width} x ${height}`,
    );
  return { width, height, grid: { rows: height / patch.side, cols: width / patch.side } };
}

function uploadPixels(
  { gpu }: Engine,
  scope: Arena,
  values: NonNullable<InspectRequest["pixelValues"]>[number],
  expected: readonly [number, number, number],
): Tensor {
  checkFields("each of pixelValues", values);
  const { data, shape } = values;
  if (!(data instanceof Float32Array) || !shape || expected.some((side, i) => shape[i] !== side) || shape.length !== 3)
    throw new TypeError(`pixelValues must be a Float32Array of shape [${expected}], got shape ${shown(shape)}`);
  const count = expected[0] * expected[1] * expected[2];
  if (data.length !== count)
    throw new TypeError(`pixelValues of shape ${shown(shape)} has ${data.length} values, not ${count}`);
  const notFinite = data.findIndex((value) => !Number.isFinite(value));
  if (notFinite >= 0)
    throw new RangeError(`pixelValues must be finite numbers, got ${data[notFinite]} at ${notFinite}`);
  const pixels = scope.tensor("pixels", [1, ...shape]);
  gpu.upload(pixels, data);
  return pixels;
}
