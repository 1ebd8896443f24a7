/**
 * A picture as one view of its own shape, in whole cells and between two numbers of pixels: the "smart resize" of Qwen-VL.
 * Source: transformers, `image_processing_qwen2_vl.py`, `image_processing_pil_qwen2_vl.py`.
 */
import { FoveaError } from "../../errors.ts";
import { type Size, squash, wholeView } from "../../image/geometry.ts";
import { checkInteger } from "../../shared/assert.ts";
import type { PictureBudget } from "../../shared/picture.ts";
import { roundHalfEven } from "../../shared/round.ts";
import type { VideoRule } from "../../shared/video.ts";
import type { EncoderSpec } from "../../spec/model-spec.ts";
import type { PicturePlan, PictureSpec } from "../../spec/picture-spec.ts";
import { type Descriptions, imageProcessor } from "../family.ts";
import { ConfigFields } from "../fields.ts";
import { CLIP_PIXELS, readPixelValues } from "./pixel-values.ts";

export interface AreaRule {
  /** Pixels of a patch's side. */
  patch: number;
  /** Patches of a cell's side. */
  cell: number;
  /** Range of a view's pixels, as far as whole cells and the picture's shape allow. */
  minPixels: number;
  maxPixels: number;
}

/** The largest ratio of a picture's sides. */
const MAX_ASPECT = 200;
/** The most cells of a view; published models have 16384, the most that a selection can rank. */
const MAX_CELLS = 16384;

/**
 * Plans a picture. A budget's `maxPixels` and `minPixels` narrow the rule's; `maxTiles` has no meaning here.
 *
 * @throws RangeError for limits that are not integers, are below one cell, or contradict each other; FoveaError
 *   `bad-image` for a picture that is too narrow
 */
export function planArea(rule: AreaRule, width: number, height: number, budget: PictureBudget): PicturePlan {
  const picture = { width, height };
  if (Math.max(width, height) > MAX_ASPECT * Math.min(width, height))
    throw new FoveaError(
      "bad-image",
      `the picture has ${width} x ${height} pixels, and this model reads none whose sides are more than ${MAX_ASPECT} times apart; crop it`,
    );
  const size = areaSize(rule, picture, budget);
  const canvas = squash("picture", picture, size);
  const grid = { rows: size.height / rule.patch, cols: size.width / rule.patch };
  return { canvases: [canvas], views: [wholeView(0, canvas, grid)] };
}

/** Sides of the view, multiples of a cell's. */
function areaSize(rule: AreaRule, { width, height }: Size, budget: PictureBudget): Size {
  const factor = rule.patch * rule.cell;
  const { min, max } = limitsOf(rule, budget);
  const sized = (edge: (pixels: number) => number): Size => ({
    width: Math.max(1, edge(width)) * factor,
    height: Math.max(1, edge(height)) * factor,
  });
  let size = sized((pixels) => roundHalfEven(pixels / factor));
  // Computed before a side of 0 cells is raised to one.
  const area = roundHalfEven(width / factor) * roundHalfEven(height / factor) * factor ** 2;
  if (area > max) {
    const scale = Math.sqrt((height * width) / max);
    size = sized((pixels) => Math.floor(pixels / scale / factor));
  } else if (area < min) {
    const scale = Math.sqrt(min / (height * width));
    size = sized((pixels) => Math.ceil((pixels * scale) / factor));
  }
  // Whole cells of a narrow or small picture may exceed the published limit, but not a caller's limit.
  if (max === rule.maxPixels || size.width * size.height <= max) return size;
  const longest = (across: number) => Math.max(1, Math.floor(max / across / factor)) * factor;
  if (size.width > size.height) return { ...size, width: longest(size.height) };
  return { ...size, height: longest(size.width) };
}

function limitsOf(
  { patch, cell, minPixels, maxPixels }: AreaRule,
  budget: PictureBudget,
): { min: number; max: number } {
  if (budget.maxTiles !== undefined) checkInteger("pictures.maxTiles", budget.maxTiles, 1);
  const token = (patch * cell) ** 2;
  let max = maxPixels;
  if (budget.maxPixels !== undefined) {
    const name = `pictures.maxPixels (a token has ${patch * cell} x ${patch * cell})`;
    max = Math.min(max, checkInteger(name, budget.maxPixels, token));
  }
  let min = Math.min(minPixels, max);
  if (budget.minPixels !== undefined) {
    const name = `pictures.minPixels (a picture of this request has up to ${max})`;
    min = Math.max(min, checkInteger(name, budget.minPixels, 1, max));
  }
  return { min, max };
}

/** A picture that takes about as many cells as any under a budget. */
export function largestPicture(rule: AreaRule, budget: PictureBudget): Size {
  const factor = rule.patch * rule.cell;
  const { max } = limitsOf(rule, budget);
  const cells = Math.floor(max / factor ** 2);
  // A grid of exactly the largest number of cells, and narrow pictures, whose whole cells may be more.
  const shapes: Size[] = [];
  for (let count = cells; count > 0 && shapes.length === 0; count--) {
    let rows = Math.floor(Math.sqrt(count));
    while (count % rows !== 0) rows--;
    if (count / rows <= MAX_ASPECT * rows) shapes.push({ width: (count / rows) * factor, height: rows * factor });
  }
  for (const aspect of [1, 2, 3, 5, 10, 25, 50, 100, MAX_ASPECT])
    for (const height of [1, 4 * Math.ceil(Math.sqrt(max))]) shapes.push({ width: aspect * height, height });
  const areaOf = (shape: Size) => {
    const { width, height } = areaSize(rule, shape, budget);
    return width * height;
  };
  return shapes.reduce((most, shape) => (areaOf(shape) > areaOf(most) ? shape : most));
}

const PROCESSORS = ["Qwen2VLImageProcessor", "Qwen2_5_VLImageProcessor", "Qwen3VLImageProcessor"];

/**
 * Reads the settings of the image processor.
 *
 * @param video two frames a second, as the processors of videos take them; each is a picture here, not half of a pair
 * @throws FoveaError `unsupported-model`, also where they contradict the encoder
 */
export function readAreaPictures(
  files: Descriptions,
  { patch: { side: patch, frames = 1 }, cell }: Pick<EncoderSpec, "patch" | "cell">,
  video: VideoRule = { framesPerSecond: 2, maxFrames: 64 },
): PictureSpec {
  const fields = imageProcessor(files) ?? ConfigFields.of({}, "preprocessor_config.json");
  const names = PROCESSORS.flatMap((name) => [name, `${name}Fast`, `${name}Pil`]);
  fields.choice("image_processor_type", names[0]!, Object.fromEntries(names.map((name) => [name, true])));
  for (const name of ["do_resize", "do_convert_rgb"])
    if (!fields.boolean(name, true)) throw fields.unsupported(name, "true");
  fields.integer("patch_size", patch, patch, patch);
  fields.integer("merge_size", cell, cell, cell);
  fields.integer("temporal_patch_size", frames, frames, frames);
  const rule: AreaRule = { patch, cell, ...readRange(fields, (patch * cell) ** 2) };
  return {
    ...readPixelValues(fields, CLIP_PIXELS),
    plan: (width, height, budget) => planArea(rule, width, height, budget),
    runs: (_, [rows]) => [{ view: 0, rows: rows! }],
    largest: largestPicture(rule, {}),
    shaped: {
      tokenPixels: (patch * cell) ** 2,
      maxPixels: rule.maxPixels,
      largest: (budget) => largestPicture(rule, budget),
    },
    video,
  };
}

/** Numbers of pixels: from fields of their own, else from "edges" of `size`, which are areas here. */
function readRange(fields: ConfigFields, token: number): Pick<AreaRule, "minPixels" | "maxPixels"> {
  const size = fields.objectOrEmpty("size");
  const read = (names: [own: string, edge: string], fallback: number, min: number, max: number): number => {
    const [own, edge] = names;
    if (fields.has(own)) return fields.integer(own, fallback, min, max);
    return size.integer(size.has(edge) ? edge : own, fallback, min, max);
  };
  const maxPixels = read(["max_pixels", "longest_edge"], 28 * 28 * 1280, token, Number.MAX_SAFE_INTEGER);
  const minPixels = read(["min_pixels", "shortest_edge"], 56 * 56, 1, maxPixels);
  return { minPixels, maxPixels: Math.min(maxPixels, MAX_CELLS * token) };
}
