/** Encodes the caller's pictures, for a prompt or on their own. */
import type { EncodeImageOptions, ImageFeatures, PictureBudget } from "../api.ts";
import { FoveaError, notFiniteError, throwIfAborted } from "../errors.ts";
import { readFloats } from "../gpu/readback.ts";
import type { Size } from "../image/geometry.ts";
import { BUDGET_FIELDS } from "../known-fields.ts";
import type { EncodedPicture } from "../model/encoder/encoded-picture.ts";
import type { EncodePictureOptions, PictureEncoder } from "../model/encoder/picture-encoder.ts";
import { preprocess } from "../model/encoder/preprocess.ts";
import { checkFields } from "../shared/arguments.ts";
import type { PicturePlan, PictureSpec } from "../spec/picture-spec.ts";
import type { Engine } from "./engine.ts";
import { imageKey, type PictureOptions } from "./image-cache.ts";
import { readInspectedViews, readSeenViews, stackMatrices } from "./read-views.ts";
import type { RequestPicture } from "./request-pictures.ts";
import { toUnit } from "./unit-vector.ts";

/** The picture parts of a model. Throws FoveaError `unsupported-model` for a model that reads text only. */
export function needPictures({ pictures, spec }: Engine): { encoder: PictureEncoder; pictures: PictureSpec } {
  if (!pictures || !spec.pictures)
    throw new FoveaError("unsupported-model", "this model reads text only; a picture cannot be given to it");
  return { encoder: pictures, pictures: spec.pictures };
}

/** Checks a budget's form. Throws TypeError. Planning a picture finds limits that the model does not support. */
export function checkBudget(budget: PictureBudget): void {
  checkFields("pictures", budget, BUDGET_FIELDS);
}

/** True if the model reads each of several pictures differently from a single one. */
export function readsAsSeveral({ spec }: Engine, pictures: number): boolean {
  return pictures > 1 && spec.pictures?.planSeveral !== undefined;
}

/** The views of a picture of this size under a request's options. Throws RangeError for an unsupported budget. */
export function planPicture(
  { plan, planSeveral }: PictureSpec,
  { width, height }: Size,
  { budget, several }: Pick<PictureOptions, "budget" | "several">,
): PicturePlan {
  return ((several && planSeveral) || plan)(width, height, budget);
}

/** The options of a request for one of its pictures. */
export function optionsOf(input: RequestPicture, options: PictureOptions): PictureOptions {
  return { ...options, budget: input.budgetUnder(options.budget) };
}

/** Decodes, preprocesses and encodes. The caller disposes the result's arena. Throws as `Fovea.encodeImage`. */
export async function encodePicture(
  engine: Engine,
  input: RequestPicture,
  { compression, budget, several = false, question, keepAll = false, signal }: PictureOptions & EncodePictureOptions,
): Promise<EncodedPicture> {
  const { gpu } = engine;
  const { encoder, pictures } = needPictures(engine);
  const picture = await input.take(signal);
  try {
    const plan = planPicture(pictures, picture, { budget: input.budgetUnder(budget), several });
    const batches = encoder.batches(plan, compression);
    const scope = gpu.arena.scope();
    try {
      const views = batches.map((batch) => batch.views);
      const pixels = await preprocess(gpu, scope, picture, plan, pictures, views, { signal });
      return await encoder.encode(gpu, plan, batches, pixels, { compression, question, keepAll, signal });
    } finally {
      scope.dispose();
    }
  } finally {
    picture.close();
  }
}

/**
 * A picture for a prompt, newly encoded or from an earlier question (`reused`), and the key of its rows (`source`). The
 * cache owns it. Throws as `Fovea.generate`.
 */
export async function encodeKept(
  engine: Engine,
  input: RequestPicture,
  options: PictureOptions,
  signal: AbortSignal,
): Promise<{ picture: EncodedPicture; source: string; reused: boolean }> {
  const content = await input.key();
  // A picture that cannot be recognised is kept until it is the oldest, like any other.
  const key = imageKey(content ?? `unknown ${crypto.randomUUID()}`, optionsOf(input, options));
  const known = engine.images.get(key);
  if (known) return { picture: known, source: key, reused: true };
  const picture = await encodePicture(engine, input, { ...options, signal });
  engine.images.set(key, picture);
  return { picture, source: key, reused: false };
}

/** One picture on its own: its features, and a classifier's classes. The caller holds the engine's lock. */
export async function encodeImage(
  engine: Engine,
  input: RequestPicture,
  { compression = { method: "none" }, pictures: budget = {}, signal }: EncodeImageOptions,
): Promise<ImageFeatures> {
  const { gpu, spec } = engine;
  const { encoder } = needPictures(engine);
  throwIfAborted(signal, "encoding of a picture");
  checkBudget(budget);
  encoder.rows.planViews(compression, [spec.encoder!.positions.grid]);
  const start = performance.now();
  const image = await encodePicture(engine, input, { compression, budget, keepAll: true, signal });
  try {
    const views = await readInspectedViews(gpu, encoder, image);
    const milliseconds = performance.now() - start;
    const logits = image.batches[0]!.classLogits;
    const { embedding } = image.batches[0]!;
    const classes = logits && rankClasses(await readFloats(gpu, logits), spec.classes ?? []);
    throwIfAborted(signal, "encoding of a picture");
    return {
      features: stackMatrices(views.map(({ features }) => features)),
      stages: views[0]!.stages,
      views: await readSeenViews(gpu, encoder, image, [...views.keys()]),
      ...(classes && { classes }),
      ...(embedding && { embedding: toUnit(await readFloats(gpu, embedding), "values in the embedding of a picture") }),
      milliseconds,
    };
  } finally {
    image.arena.dispose();
  }
}

/** Softmax over the classes, most likely first. Throws FoveaError `bad-weights` for logits that are not finite. */
function rankClasses(logits: Float32Array, labels: readonly string[]): NonNullable<ImageFeatures["classes"]> {
  if (!logits.every(Number.isFinite)) throw notFiniteError("class logits");
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const weights = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = weights.reduce((a, b) => a + b);
  return weights
    .map((weight, id) => ({ id, label: labels[id] ?? `class ${id}`, logit: logits[id]!, probability: weight / sum }))
    .sort((a, b) => b.logit - a.logit);
}
