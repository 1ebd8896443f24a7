/**
 * Limits pictures whose tokens grow with their pixels to the room of the device and the context. Some models allow
 * 16384 tokens for one picture. A request may set its own limit.
 */
import type { PictureBudget } from "../api.ts";
import type { BufferLimits } from "../gpu/limits.ts";
import { PlanningGpu } from "../gpu/planning.ts";
import type { MatchedTensors } from "../model/load/match.ts";
import type { Storage } from "../model/load/precision.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import type { PictureSpec } from "../spec/picture-spec.ts";
import { makePictures, makeWeights } from "./assemble.ts";

/**
 * Working memory of one picture, a fixed number because browsers do not report a device's memory. Qwen2.5-VL-3B fits
 * about 1300 tokens in it, close to the 1280 that image processors of its kind use by default.
 */
const MOST_PICTURE_BYTES = 512 << 20;
/** Share of the context for one picture: the rest holds a question, an answer and another picture. */
const SHARE_OF_CONTEXT = 0.5;

export interface Room {
  matched: MatchedTensors;
  storage: Storage;
  contextLength: number;
  /** Limits of the device; undefined allows everything. */
  limits: BufferLimits | undefined;
}

/**
 * The spec with pictures limited to the room under a budget without `maxPixels`; the same spec if the model's own limit
 * is lower. Plans about eight pictures on a counting GPU.
 */
export function fitPictures(spec: ModelSpec, room: Room): ModelSpec {
  const { pictures } = spec;
  if (!pictures?.shaped) return spec;
  const { tokenPixels, maxPixels } = pictures.shaped;
  const most = Math.floor(maxPixels / tokenPixels);
  const inContext = spec.decoder ? Math.max(1, Math.floor(room.contextLength * SHARE_OF_CONTEXT)) : most;
  let fitting = Math.min(most, inContext);
  if (!fits(spec, room, fitting * tokenPixels)) {
    // The largest number that fits, to a sixty-fourth, and at least one token.
    let [low, high] = [1, fitting];
    while (high - low > Math.max(1, low / 64)) {
      const middle = Math.floor((low + high) / 2);
      if (fits(spec, room, middle * tokenPixels)) low = middle;
      else high = middle;
    }
    fitting = low;
  }
  return fitting === most ? spec : { ...spec, pictures: bounded(pictures, fitting * tokenPixels) };
}

function fits(spec: ModelSpec, { matched, storage, limits }: Room, maxPixels: number): boolean {
  const { shaped, plan } = spec.pictures!;
  const { width, height } = shaped!.largest({ maxPixels });
  const gpu = new PlanningGpu(limits);
  const pictures = makePictures(gpu, makeWeights(gpu, matched, storage), spec)!;
  const bytes = pictures.planBytes(gpu.recorder, plan(width, height, { maxPixels }));
  const allowed = limits ? Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize) : gpu.largestBytes;
  return bytes <= MOST_PICTURE_BYTES && gpu.largestBytes <= allowed;
}

function bounded(pictures: PictureSpec, usualPixels: number): PictureSpec {
  const shaped = pictures.shaped!;
  // A larger `minPixels` of the caller takes precedence.
  const withUsual = (budget: PictureBudget): PictureBudget => ({
    ...budget,
    maxPixels: budget.maxPixels ?? Math.max(usualPixels, budget.minPixels ?? 0),
  });
  return {
    ...pictures,
    plan: (width, height, budget) => pictures.plan(width, height, withUsual(budget)),
    largest: shaped.largest({ maxPixels: usualPixels }),
    shaped: { ...shaped, usualPixels, largest: (budget) => shaped.largest(withUsual(budget)) },
  };
}

/** Pixels that a picture of a request could have, for models whose tokens grow with them. */
export function pixelLimit({ shaped }: PictureSpec, { maxPixels, minPixels = 0 }: PictureBudget): number | undefined {
  if (!shaped) return undefined;
  const usual = shaped.usualPixels === undefined ? shaped.maxPixels : Math.max(shaped.usualPixels, minPixels);
  return Math.min(shaped.maxPixels, maxPixels ?? usual);
}
