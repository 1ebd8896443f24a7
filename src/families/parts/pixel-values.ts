/** The settings that turn bytes into pixel values, shared by all image processors of Hugging Face. */
import type { PictureSpec } from "../../spec/picture-spec.ts";
import type { ConfigFields } from "../fields.ts";

/** A filter, and red, green and blue's mean and standard deviation. */
export type PixelDefaults = Pick<PictureSpec, "filter" | "mean" | "std">;

export const CLIP_PIXELS: PixelDefaults = {
  filter: "bicubic",
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};
export const SIGLIP_PIXELS: PixelDefaults = { filter: "bicubic", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

/** Pillow's numbers for its filters. */
const FILTERS = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

/**
 * Reads the filter, the rescale factor, mean and standard deviation.
 *
 * @throws FoveaError `unsupported-model`
 */
export function readPixelValues(
  fields: ConfigFields,
  defaults: PixelDefaults,
): Pick<PictureSpec, "filter" | "mean" | "std" | "rescale"> {
  const rescales = fields.boolean("do_rescale", true);
  const normalizes = fields.boolean("do_normalize", true);
  return {
    filter: readFilter(fields, defaults.filter),
    mean: normalizes ? fields.triple("image_mean", defaults.mean, -1e6) : [0, 0, 0],
    std: normalizes ? fields.triple("image_std", defaults.std, 1e-6) : [1, 1, 1],
    rescale: rescales ? fields.number("rescale_factor", 1 / 255, 1e-9, 1e3) : 1,
  };
}

function readFilter(fields: ConfigFields, fallback: PictureSpec["filter"]): PictureSpec["filter"] {
  const name = FILTERS[fields.integer("resample", FILTERS.indexOf(fallback), 0, FILTERS.length - 1)];
  if (name !== "lanczos" && name !== "bilinear" && name !== "bicubic")
    throw fields.unsupported("resample", `1 (lanczos), 2 (bilinear) and 3 (bicubic); this is ${name}`);
  return name;
}
