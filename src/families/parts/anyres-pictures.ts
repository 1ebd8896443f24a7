/** The image processors of LLaVA-NeXT and LLaVA-OneVision: their settings, checked against the encoder. */

import type { Size } from "../../image/geometry.ts";
import { isJsonObject } from "../../shared/json.ts";
import type { PictureSpec } from "../../spec/picture-spec.ts";
import type { Descriptions } from "../family.ts";
import type { ConfigFields } from "../fields.ts";
import { type AnyresRule, planAnyres } from "./anyres.ts";
import { anyresOrder } from "./anyres-rows.ts";
import type { Tower } from "./llava-parts.ts";
import { type PixelDefaults, readPixelValues } from "./pixel-values.ts";
import { readProcessorFields } from "./processor-fields.ts";

export interface AnyresKind {
  /** Class of the processor, without the "Fast" or "Pil" at its end. */
  processor: string;
  pixels: PixelDefaults;
  /** The resolutions if no file lists them; multiples of the side. */
  resolutions(side: number): readonly Size[];
  /** The most rows of the tiles, in tiles; more rows are shrunk to that. */
  maxTiles?: number;
}

const MAX_RESOLUTIONS = 256;
/** Tiles of a picture; published models have up to 36. */
const MAX_TILES = 64;
const FIELD = "image_grid_pinpoints";

/**
 * Reads the settings of the image processor.
 *
 * @throws FoveaError `unsupported-model`
 */
export function readAnyresPictures(
  files: Descriptions,
  kind: AnyresKind,
  { encoder, imageSize: side }: Tower,
): PictureSpec & { rule: AnyresRule } {
  const { processor, pixels, maxTiles } = kind;
  const fields = readProcessorFields(files, processor, ["do_resize", "do_pad", "do_convert_rgb"]);
  for (const name of ["size", "crop_size"]) checkSide(fields, name, side);
  const { grid } = encoder.positions;
  const rule = { resolutions: readResolutions(files.config, fields, side) ?? kind.resolutions(side), side, grid };
  const largest = rule.resolutions.reduce((best, size) =>
    size.width * size.height > best.width * best.height ? size : best,
  );
  return {
    ...readPixelValues(fields, pixels),
    plan: (width, height, budget) => planAnyres(rule, width, height, budget),
    order: anyresOrder(grid, maxTiles),
    runs: (_, [rows]) => [{ rows: rows! }],
    largest,
    rule,
  };
}

/** The size of a view: a number, { shortest_edge } or { height, width }. */
function checkSide(fields: ConfigFields, name: string, side: number): void {
  if (!isJsonObject(fields.value(name))) {
    fields.integer(name, side, side, side);
    return;
  }
  const sides = fields.object(name)!;
  for (const edge of ["shortest_edge", "height", "width"]) sides.integer(edge, side, side, side);
}

/** [height, width] in pixels; the model reads them in config.json, the processor in its own file. */
function readResolutions(config: ConfigFields, fields: ConfigFields, side: number): Size[] | undefined {
  const lists = [config, fields].filter((level) => level.has(FIELD));
  for (const level of lists) {
    const value = level.value(FIELD);
    const fits = (entry: unknown) =>
      Array.isArray(entry) &&
      entry.length === 2 &&
      entry.every((edge) => Number.isInteger(edge) && edge > 0 && edge % side === 0) &&
      (entry[0] * entry[1]) / side ** 2 <= MAX_TILES;
    if (!Array.isArray(value) || value.length === 0 || value.length > MAX_RESOLUTIONS || !value.every(fits))
      throw level.unsupported(FIELD, `a list of [height, width], multiples of ${side} of at most ${MAX_TILES} tiles`);
  }
  if (lists.length === 2 && JSON.stringify(lists[0]!.value(FIELD)) !== JSON.stringify(lists[1]!.value(FIELD)))
    throw fields.unsupported(FIELD, `the list of ${config.pathOf(FIELD)}; one of the files is of another model`);
  const pairs = lists[0]?.value(FIELD) as [number, number][] | undefined;
  return pairs?.map(([height, width]) => ({ width, height }));
}
