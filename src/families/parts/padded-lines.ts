/**
 * A picture as one view of its own shape. It is shrunk into a box if larger, never enlarged, and padded at the right
 * and bottom to whole patches. In the prompt a token follows every line of patches. Source: transformers,
 * `image_processing_fuyu.py`, `processing_fuyu.py`.
 */
import { type Size, squash, wholeView } from "../../image/geometry.ts";
import { checkInteger } from "../../shared/assert.ts";
import type { PictureBudget } from "../../shared/picture.ts";
import type { AxisPlan, Canvas, PicturePlan, PictureSpec } from "../../spec/picture-spec.ts";
import { type Descriptions, imageProcessor } from "../family.ts";
import { ConfigFields } from "../fields.ts";
import { lineOrder } from "./line-pictures.ts";
import { readPixelValues } from "./pixel-values.ts";

export interface PaddedRule {
  /** Pixels of a patch's side. */
  patch: number;
  /** Sides of the box, multiples of `patch`. */
  width: number;
  height: number;
}

/**
 * Plans a picture. A budget's `maxPixels` shrinks it further; `maxTiles` does not apply here.
 *
 * @throws RangeError for a `maxPixels` below one patch; TypeError for `minPixels`, because no picture is enlarged
 */
export function planPadded(rule: PaddedRule, picture: Size, budget: PictureBudget): PicturePlan {
  const { patch } = rule;
  const inside = within(rule, picture, budget);
  const grid = { rows: Math.ceil(inside.height / patch), cols: Math.ceil(inside.width / patch) };
  const resized = squash("picture", picture, inside);
  const whole = { width: grid.cols * patch, height: grid.rows * patch };
  const isWhole = whole.width === inside.width && whole.height === inside.height;
  const canvases = isWhole ? [resized] : [resized, padBehind(0, inside, whole)];
  const last = canvases.length - 1;
  return { canvases, views: [wholeView(last, canvases[last]!, grid)] };
}

/** The picture's size after the resize. */
function within({ patch, width, height }: PaddedRule, picture: Size, budget: PictureBudget): Size {
  const { maxTiles, maxPixels, minPixels } = budget;
  if (minPixels !== undefined)
    throw new TypeError(`pictures.minPixels is ${minPixels}, but this model enlarges no picture; leave it out`);
  if (maxTiles !== undefined) checkInteger("pictures.maxTiles", maxTiles, 1);
  const scale = Math.min(height / picture.height, width / picture.width);
  const shrunk = (pixels: number, by: number) => Math.max(1, Math.floor(pixels * by));
  const size = scale >= 1 ? picture : { width: shrunk(picture.width, scale), height: shrunk(picture.height, scale) };
  if (maxPixels === undefined) return size;
  const max = checkInteger(`pictures.maxPixels (a token has ${patch} x ${patch})`, maxPixels, patch ** 2);
  const patches = (pixels: number) => Math.ceil(pixels / patch);
  if (patches(size.width) * patches(size.height) * patch ** 2 <= max) return size;
  const down = Math.min(1, Math.sqrt(max / (size.width * size.height)));
  // Whole patches, so that rounding up adds none; the limit also holds if one side is a single patch.
  const side = (pixels: number) => Math.max(1, Math.floor((pixels * down) / patch));
  const most = Math.floor(max / patch ** 2);
  const cols = Math.min(side(size.width), most);
  const rows = Math.min(side(size.height), Math.floor(most / cols));
  return { width: Math.min(size.width, cols * patch), height: Math.min(size.height, rows * patch) };
}

/** Puts the source into the top left corner of a larger canvas, without a resize. */
function padBehind(from: Canvas["from"], size: Size, to: Size): Canvas {
  const axis = (pictureSize: number, size: number): AxisPlan => ({
    ...{ pictureSize, canvasSize: size, pictureStart: 0 },
    ...{ resizedSize: size, cropStart: 0, size },
  });
  return { from, x: axis(size.width, to.width), y: axis(size.height, to.height) };
}

/** Defaults of FuyuImageProcessor. */
const BOX = { height: 1080, width: 1920 };
const PIXELS = { filter: "bilinear", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;
const MAX_SIDE = 8192;

/**
 * Reads the settings of the image processor.
 *
 * @param lineEnd the token after each line of patches
 * @throws FoveaError `unsupported-model`
 */
export function readPaddedPictures(files: Descriptions, patch: number, lineEnd: string): PictureSpec {
  const fields = withTriples(imageProcessor(files) ?? ConfigFields.of({}, "preprocessor_config.json"));
  for (const name of ["do_resize", "do_pad"]) if (!fields.boolean(name, true)) throw fields.unsupported(name, "true");
  fields.choice("padding_mode", "constant", { constant: true });
  const sides = fields.objectOrEmpty("patch_size");
  const size = fields.objectOrEmpty("size");
  const rule: PaddedRule = { patch, ...BOX };
  for (const side of ["height", "width"] as const) {
    sides.integer(side, patch, patch, patch);
    rule[side] = size.integer(side, BOX[side], patch, MAX_SIDE);
    if (rule[side] % patch !== 0) throw size.unsupported(side, `a multiple of the patch's side, ${patch}`);
  }
  // The padding is a byte value.
  const grey = fields.integer("padding_value", 1, 0, 255);
  return {
    ...readPixelValues(fields, PIXELS),
    padColour: (grey * 0x010101 + 0xff000000) >>> 0,
    plan: (width, height, budget) => planPadded(rule, { width, height }, budget),
    order: lineOrder(1),
    runs: (_, lines) => lines.flatMap((rows) => [{ rows }, { text: lineEnd }]),
    largest: { width: rule.width, height: rule.height },
  };
}

/** Published files write one number for the three channels. */
function withTriples(fields: ConfigFields): ConfigFields {
  const written = fields.entries().map(([name, value]) => {
    const isOne = (name === "image_mean" || name === "image_std") && typeof value === "number";
    return [name, isOne ? [value, value, value] : value] as const;
  });
  return fields.with(Object.fromEntries(written));
}
