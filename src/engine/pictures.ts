/** Pictures from what the caller handed in to the encoder's output: for a prompt, or on their own. */
import type { Compression, ImageFeatures, ImageInput } from "../api.ts";
import { FoveaError, throwIfAborted } from "../errors.ts";
import { readFloats } from "../gpu/readback.ts";
import { view } from "../gpu/tensor.ts";
import { decodeImage } from "../image/decode.ts";
import { padColour, squarePlan } from "../image/geometry.ts";
import { preprocess } from "../model/preprocess.ts";
import type { Engine } from "./engine.ts";
import { imageKey, pictureKey } from "./image-cache.ts";
import { readMatrix, readViews, viewPlaces } from "./stages.ts";
import type { EncodedPicture, EncodePixelsOptions } from "./vision-model.ts";

/** Decodes, preprocesses and encodes. The caller disposes the result's arena. Throws as `Fovea.encodeImage`. */
async function encodePicture(
  { gpu, vision, preprocessing }: Engine,
  input: ImageInput,
  { compression, keepTokens = false, signal }: EncodePixelsOptions & { signal: AbortSignal | undefined },
): Promise<EncodedPicture> {
  if (!vision || !preprocessing)
    throw new FoveaError("unsupported-model", "this model reads text only; a picture cannot be given to it");
  vision.plan(compression);
  const { patchSize } = vision.config;
  const spec = { ...preprocessing, padColour: padColour(preprocessing) };
  const picture = await decodeImage(input, { signal });
  try {
    const scope = gpu.arena.scope();
    try {
      const plan = squarePlan(preprocessing, patchSize, picture.width, picture.height);
      const [batch] = await preprocess(gpu, scope, picture, plan, spec, [[0]], { signal });
      const pixels = view(batch!, batch!.shape.slice(1));
      const image = await vision.encode(pixels, { compression, keepTokens });
      return { ...image, places: viewPlaces(plan, 1, patchSize) };
    } finally {
      scope.dispose();
    }
  } finally {
    picture.close();
  }
}

/**
 * A picture for a prompt: encoded, or as it was encoded for an earlier question. It is the cache's. Throws as
 * `Fovea.generate`.
 */
export async function encodeKept(
  engine: Engine,
  input: ImageInput,
  compression: Compression,
  signal: AbortSignal,
): Promise<EncodedPicture> {
  const picture = await pictureKey(input);
  // A picture that cannot be known again is kept until it is the oldest, like any other.
  const key = imageKey(picture ?? `unknown ${crypto.randomUUID()}`, compression);
  const known = engine.images.get(key);
  if (known) return known;
  const image = await encodePicture(engine, input, { compression, signal });
  engine.images.set(key, image);
  return image;
}

/** One picture on its own: its features, and what a classifier sees in it. The caller holds the engine's lock. */
export async function encodeImage(
  engine: Engine,
  input: ImageInput,
  { compression = { method: "none" }, signal }: { compression?: Compression; signal?: AbortSignal },
): Promise<ImageFeatures> {
  const { gpu, config, vision } = engine;
  const start = performance.now();
  const image = await encodePicture(engine, input, { compression, keepTokens: true, signal });
  try {
    const matrix = await readMatrix(gpu, image.features);
    const milliseconds = performance.now() - start;
    const logits = image.classLogits && (await readFloats(gpu, image.classLogits));
    throwIfAborted(signal, "encoding of a picture");
    const views = await readViews(gpu, vision!, image);
    return {
      features: matrix,
      stages: views[0]!.stages,
      views,
      ...(logits && { classes: rankClasses(logits, config.classes ?? []) }),
      milliseconds,
    };
  } finally {
    image.arena.dispose();
  }
}

/** Softmax over the classes, most likely first. */
function rankClasses(logits: Float32Array, labels: readonly string[]): NonNullable<ImageFeatures["classes"]> {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const weights = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = weights.reduce((a, b) => a + b);
  return weights
    .map((weight, id) => ({ id, label: labels[id] ?? `class ${id}`, logit: logits[id]!, probability: weight / sum }))
    .sort((a, b) => b.logit - a.logit);
}
