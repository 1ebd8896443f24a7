/**
 * Pictures that become one square, as in the image processors of CLIP, SigLIP, ViT and LLaVA-1.5. Reads the untrusted
 * preprocessor_config.json and checks it against the encoder; without the file, the model's training decides.
 * image/geometry.ts has the geometry.
 */
import { FoveaError } from "../../errors.ts";
import { padColour, type SquareFit, squarePlan } from "../../image/geometry.ts";
import { checkInteger } from "../../shared/assert.ts";
import { shown } from "../../shared/json.ts";
import type { PictureBudget } from "../../shared/picture.ts";
import type { EncoderSpec } from "../../spec/model-spec.ts";
import type { PictureSpec } from "../../spec/picture-spec.ts";
import { ConfigFields } from "../fields.ts";
import { CLIP_PIXELS, type PixelDefaults, readPixelValues, SIGLIP_PIXELS } from "./pixel-values.ts";

/** Defaults of a class of Hugging Face's image processors. */
interface ProcessorClass extends PixelDefaults {
  crops: boolean;
  /** The meaning of a `size` that is a number. */
  plainSize: "shortest_edge" | "square";
}

const CLIP: ProcessorClass = { ...CLIP_PIXELS, crops: true, plainSize: "shortest_edge" };
const SIGLIP: ProcessorClass = { ...SIGLIP_PIXELS, crops: false, plainSize: "square" };
const BLIP: ProcessorClass = { ...CLIP_PIXELS, crops: false, plainSize: "square" };
const VIT: ProcessorClass = { ...SIGLIP, filter: "bilinear" };

const CLASSES: Readonly<Record<string, ProcessorClass>> = {
  ...variantsOf("Blip", BLIP),
  ...variantsOf("CLIP", CLIP),
  ...variantsOf("Idefics", BLIP),
  ...variantsOf("Llava", CLIP),
  ...variantsOf("Siglip", SIGLIP),
  ...variantsOf("ViT", VIT),
};

/** A class under the names of transformers 4 ("Fast"), 5 ("Pil") and before ("FeatureExtractor"). */
function variantsOf(name: string, processor: ProcessorClass): Record<string, ProcessorClass> {
  const endings = ["ImageProcessor", "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor"];
  return Object.fromEntries(endings.map((ending) => [name + ending, processor]));
}

/** The default processor class of an encoder, and a flag for training on padded pictures. */
export interface SquareKind {
  processor: string;
  pads: boolean;
  /**
   * The way in which the model's own code makes a square before the image processor; overrides the processor's file.
   */
  always?: "pad" | "squash";
}

/** A LLaVA with a CLIP tower was trained on pictures padded to a square. */
export const CLIP_PICTURES: SquareKind = { processor: "CLIPImageProcessor", pads: true };
/** A CLIP by itself was trained on crops. */
export const CLIP_CROPS: SquareKind = { processor: "CLIPImageProcessor", pads: false };
export const SIGLIP_PICTURES: SquareKind = { processor: "SiglipImageProcessor", pads: false };
export const BLIP_PICTURES: SquareKind = { processor: "BlipImageProcessor", pads: false };
export const VIT_PICTURES: SquareKind = { processor: "ViTImageProcessor", pads: false };

/**
 * Reads the settings of an image processor.
 *
 * The mode: "pad" with `do_pad`; "crop" with `do_center_crop`, as in the LLaVA-1.5 files on the hub. With neither, or
 * without a file, "pad" for a model trained on padded pictures, otherwise the default of the named class. A size of
 * equal height and width needs no crop: "squash".
 *
 * @param settings undefined if there are none
 * @throws FoveaError `unsupported-model`, naming the field, its value and what is supported, also where the file
 *   contradicts the encoder's image size
 */
export function readSquarePictures(
  settings: ConfigFields | undefined,
  kind: SquareKind,
  { encoder, imageSize }: { encoder: EncoderSpec; imageSize: number },
): PictureSpec {
  const fields = settings ?? ConfigFields.of({}, "preprocessor_config.json");
  const nameField = fields.has("image_processor_type") ? "image_processor_type" : "feature_extractor_type";
  const processor = fields.choice(nameField, kind.processor, CLASSES);
  if (!fields.boolean("do_resize", true)) throw fields.unsupported("do_resize", "true, the encoder reads one size");
  if (fields.boolean("do_flip_channel_order", false)) throw fields.unsupported("do_flip_channel_order", "false");

  const fit = kind.always ? { mode: kind.always, size: imageSize } : readFit(fields, processor, kind.pads, imageSize);
  const pixels = readPixelValues(fields, processor);
  return {
    ...pixels,
    padColour: padColour(pixels),
    plan: (width, height, budget) => {
      checkBudget(budget, imageSize ** 2);
      return squarePlan(fit, encoder.patch.side, width, height);
    },
    runs: (_, [rows]) => [{ view: 0, rows: rows! }],
    largest: { width: imageSize, height: imageSize },
  };
}

/** Every picture has the same size and cost here. Throws RangeError for a limit that it exceeds. */
function checkBudget({ maxTiles = 1, maxPixels, minPixels }: PictureBudget, pixels: number): void {
  checkInteger("pictures.maxTiles", maxTiles, 1);
  const fixed = `this model reads every picture as ${pixels} pixels`;
  if (maxPixels !== undefined && checkInteger("pictures.maxPixels", maxPixels, 1) < pixels)
    throw new RangeError(`pictures.maxPixels is ${maxPixels}, but ${fixed}; leave it out`);
  if (minPixels !== undefined && checkInteger("pictures.minPixels", minPixels, 1) > pixels)
    throw new RangeError(`pictures.minPixels is ${minPixels}, but ${fixed}; leave it out`);
}

function readFit(
  fields: ConfigFields,
  processor: ProcessorClass,
  padsByDefault: boolean,
  imageSize: number,
): SquareFit {
  const silent = !fields.has("do_pad") && !fields.has("do_center_crop");
  const pads = fields.boolean("do_pad", silent && padsByDefault);
  const crops = !pads && fields.boolean("do_center_crop", processor.crops);
  const size = imageSize;
  if (crops && readSides(fields, "crop_size", imageSize).side !== imageSize)
    throw contradiction(fields, "crop_size", imageSize);

  const { side, form } = readSides(fields, "size", imageSize, processor.plainSize);
  if (crops && form === "shortest_edge") {
    // Hugging Face would fill a crop beyond the picture with black.
    if (side < imageSize) throw contradiction(fields, "size", imageSize);
    return { mode: "crop", size, shortestEdge: side };
  }
  if (side !== imageSize) throw contradiction(fields, "size", imageSize);
  if (pads) return { mode: "pad", size };
  if (form === "shortest_edge")
    throw fields.unsupported("size", "height and width, where pictures are neither cropped nor padded to a square");
  return { mode: "squash", size };
}

/** A number, {shortest_edge} or {height, width} with equal sides. @param plain what a number means */
function readSides(
  fields: ConfigFields,
  name: "size" | "crop_size",
  fallback: number,
  plain: ProcessorClass["plainSize"] = "square",
): { side: number; form: ProcessorClass["plainSize"] } {
  const supported = `a side, ${name === "size" ? "{ shortest_edge } or " : ""}{ height, width } of a square`;
  if (typeof fields.value(name) !== "object") return { side: fields.integer(name, fallback, 1, 65535), form: plain };
  const sides = fields.object(name)!;
  const named = sides.entries().filter(([, value]) => value !== null && value !== undefined);
  const names = named
    .map(([key]) => key)
    .sort()
    .join();
  if (names === "shortest_edge" && name === "size")
    return { side: sides.integer("shortest_edge", fallback, 1, 65535), form: "shortest_edge" };
  if (names !== "height,width") throw fields.unsupported(name, supported);
  const side = sides.integer("height", fallback, 1, 65535);
  if (sides.integer("width", fallback, 1, 65535) !== side) throw sides.unsupported("width", `the height, ${side}`);
  return { side, form: "square" };
}

function contradiction(fields: ConfigFields, name: string, imageSize: number): FoveaError {
  const value = shown(fields.value(name));
  return new FoveaError(
    "unsupported-model",
    `${fields.pathOf(name)} is ${value}, but config.json's encoder reads ${imageSize} x ${imageSize} pixels; one of the files is of another model`,
  );
}
