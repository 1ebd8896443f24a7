/**
 * A picture as one view of its own shape, in whole cells, with a token between its lines of cells in the prompt:
 * Pixtral's pictures. Source: transformers, `image_processing_pil_pixtral.py`, `processing_pixtral.py`.
 */

import { type Size, squash, wholeView } from "../../image/geometry.ts";
import { checkInteger } from "../../shared/assert.ts";
import type { PictureBudget } from "../../shared/picture.ts";
import type { EncoderSpec } from "../../spec/model-spec.ts";
import type { PicturePlan, PictureSpec, RowOrder } from "../../spec/picture-spec.ts";
import type { Descriptions } from "../family.ts";
import type { ConfigFields } from "../fields.ts";
import { CLIP_PIXELS, readPixelValues } from "./pixel-values.ts";
import { readProcessorFields } from "./processor-fields.ts";

export interface LineRule {
  /** Pixels of a patch's side. */
  patch: number;
  /** Patches of a cell's side. */
  cell: number;
  /** The largest sides, before they are rounded up to whole cells. */
  maxWidth: number;
  maxHeight: number;
}

/**
 * Plans a picture. Larger pictures shrink, none grow. A budget's `maxPixels` shrinks further, `minPixels` enlarges;
 * `maxTiles` does not apply here.
 *
 * @throws RangeError for limits that are not integers, are below one cell, or contradict each other
 */
export function planLines(rule: LineRule, picture: Size, budget: PictureBudget): PicturePlan {
  const size = viewSize(rule, picture, budget);
  const canvas = squash("picture", picture, size);
  const grid = { rows: size.height / rule.patch, cols: size.width / rule.patch };
  return { canvases: [canvas], views: [wholeView(0, canvas, grid)] };
}

function viewSize(rule: LineRule, { width, height }: Size, budget: PictureBudget): Size {
  const unit = rule.patch * rule.cell;
  const cells = (pixels: number) => Math.max(1, Math.ceil(pixels / unit)) * unit;
  const most = { width: cells(rule.maxWidth), height: cells(rule.maxHeight) };
  const { min, max } = limitsOf(unit, most, budget);
  const ratio = Math.max(height / rule.maxHeight, width / rule.maxWidth);
  const [w, h] = ratio > 1 ? [Math.floor(width / ratio), Math.floor(height / ratio)] : [width, height];
  const size = { width: cells(w), height: cells(h) };
  const area = size.width * size.height;
  if (area > max) {
    const scale = Math.sqrt(max / (w * h));
    const shrunk = (pixels: number) => Math.max(1, Math.floor((pixels * scale) / unit)) * unit;
    // A side of one cell would let the other grow too long.
    const longest = (across: number) => Math.floor(max / across / unit) * unit;
    const smaller = { width: shrunk(w), height: shrunk(h) };
    if (w > h) return { ...smaller, width: Math.min(size.width, smaller.width, longest(smaller.height)) };
    return { ...smaller, height: Math.min(size.height, smaller.height, longest(smaller.width)) };
  }
  if (area >= min) return size;
  const scale = Math.sqrt(min / (w * h));
  return { width: Math.min(most.width, cells(w * scale)), height: Math.min(most.height, cells(h * scale)) };
}

function limitsOf(unit: number, most: Size, { maxTiles, maxPixels, minPixels }: PictureBudget) {
  if (maxTiles !== undefined) checkInteger("pictures.maxTiles", maxTiles, 1);
  let max = most.width * most.height;
  if (maxPixels !== undefined)
    max = Math.min(max, checkInteger(`pictures.maxPixels (a token has ${unit} x ${unit})`, maxPixels, unit ** 2));
  const name = `pictures.minPixels (a picture of this request has up to ${max})`;
  return { max, min: minPixels === undefined ? 0 : checkInteger(name, minPixels, 1, max) };
}

/**
 * Cells line by line, as in the grid. A line of compressed views has the rows whose owners are in it; a line without
 * rows is left out.
 *
 * @param cell patches of a cell's side
 */
export function lineOrder(cell: number): RowOrder {
  return {
    learned: 0,
    arrange({ views }, owners) {
      const { rows, cols } = views[0]!.grid;
      const [height, width] = [rows / cell, cols / cell];
      const own = Array.from(owners?.[0] ?? { length: height * width }, (owner, i) => [owner ?? i, i] as const);
      own.sort(([a, i], [b, j]) => a - b || i - j);
      const lines = new Array<number>(height).fill(0);
      for (const [owner] of own) lines[Math.floor(owner / width)]!++;
      return {
        sources: Uint32Array.from(own, ([, i]) => i),
        weights: new Float32Array(own.length).fill(1),
        taps: 1,
        lines: lines.filter((count) => count > 0),
      };
    },
    most: (_, rowsOfView) => rowsOfView[0]!,
  };
}

const PROCESSOR = "PixtralImageProcessor";

/**
 * Reads the settings of the image processor and of the processor.
 *
 * @param imageSize longest side for which the encoder has positions
 * @throws FoveaError `unsupported-model`, also where they contradict the encoder
 */
export function readLinePictures(
  files: Descriptions,
  { patch: { side: patch }, cell }: Pick<EncoderSpec, "patch" | "cell">,
  imageSize: number,
): PictureSpec {
  const fields = readProcessorFields(files, PROCESSOR);
  checkPatch(fields, patch, cell);
  const { processor } = files;
  if (processor) {
    processor.integer("patch_size", patch, patch, patch);
    processor.integer("spatial_merge_size", cell, cell, cell);
  }
  const token = (name: string, fallback: string): string => {
    const value = processor?.value(name) ?? fallback;
    if (typeof value !== "string" || value.length > 100) throw processor!.unsupported(name, "a token's text");
    return value;
  };
  const lineEnd = token("image_break_token", "[IMG_BREAK]");
  const end = token("image_end_token", "[IMG_END]");
  const rule = { patch, cell, ...readSize(fields, imageSize) };
  return {
    ...readPixelValues(fields, CLIP_PIXELS),
    plan: (width, height, budget) => planLines(rule, { width, height }, budget),
    order: lineOrder(cell),
    runs: (_, lines) => lines.flatMap((rows, line) => [{ rows }, { text: line + 1 === lines.length ? end : lineEnd }]),
    largest: { width: rule.maxWidth, height: rule.maxHeight },
  };
}

/** A lone picture processor's patch may be the encoder's patch or a cell. */
function checkPatch(fields: ConfigFields, patch: number, cell: number): void {
  const isFit = (side: unknown) => side === undefined || side === patch || side === patch * cell;
  const value = fields.value("patch_size");
  const sides = typeof value === "object" ? fields.object("patch_size") : undefined;
  const given = sides ? [sides.value("height"), sides.value("width")] : [value];
  if (!given.every(isFit)) throw fields.unsupported("patch_size", `${patch}, the side of the encoder's patches`);
}

/** `{ longest_edge }`, `{ height, width }` or a number: the largest sides. */
function readSize(fields: ConfigFields, imageSize: number): Pick<LineRule, "maxWidth" | "maxHeight"> {
  const value = fields.value("size");
  if (typeof value !== "object") {
    const side = fields.integer("size", imageSize, 1, imageSize);
    return { maxWidth: side, maxHeight: side };
  }
  const sides = fields.object("size")!;
  if (sides.has("longest_edge")) {
    const side = sides.integer("longest_edge", imageSize, 1, imageSize);
    return { maxWidth: side, maxHeight: side };
  }
  return {
    maxWidth: sides.integer("width", imageSize, 1, imageSize),
    maxHeight: sides.integer("height", imageSize, 1, imageSize),
  };
}
