/**
 * What preprocessor_config.json says about pictures, checked against the encoder it belongs to; where the file is
 * missing, what the model's family was trained with. The file is untrusted. What the settings do is image/geometry.ts.
 */
import { FoveaError } from "../errors.ts";
import type { Preprocessing } from "../image/geometry.ts";
import { assert } from "../shared/assert.ts";
import type { ModelConfig, VisionConfig } from "./config.ts";
import { ConfigFields } from "./config-fields.ts";

const FILE = "preprocessor_config.json";

type Triple = readonly [number, number, number];

const HALF: Triple = [0.5, 0.5, 0.5];
const CLIP_MEAN: Triple = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD: Triple = [0.26862954, 0.26130258, 0.27577711];

/** What a class of Hugging Face's image processors does where the file is silent. */
interface ProcessorClass {
  filter: Preprocessing["filter"];
  mean: Triple;
  std: Triple;
  crops: boolean;
  /** What a `size` that is just a number means. */
  plainSize: "shortest_edge" | "square";
}

const CLIP: ProcessorClass = {
  filter: "bicubic",
  mean: CLIP_MEAN,
  std: CLIP_STD,
  crops: true,
  plainSize: "shortest_edge",
};
const SIGLIP: ProcessorClass = { filter: "bicubic", mean: HALF, std: HALF, crops: false, plainSize: "square" };
const VIT: ProcessorClass = { ...SIGLIP, filter: "bilinear" };

const CLASSES: Readonly<Record<string, ProcessorClass>> = {
  CLIPImageProcessor: CLIP,
  CLIPImageProcessorFast: CLIP,
  CLIPFeatureExtractor: CLIP,
  LlavaImageProcessor: CLIP,
  LlavaImageProcessorFast: CLIP,
  SiglipImageProcessor: SIGLIP,
  SiglipImageProcessorFast: SIGLIP,
  ViTImageProcessor: VIT,
  ViTImageProcessorFast: VIT,
  ViTFeatureExtractor: VIT,
};

const CLASS_OF_FAMILY = {
  clip: "CLIPImageProcessor",
  siglip: "SiglipImageProcessor",
  vit: "ViTImageProcessor",
} as const;

/** Pillow's numbers for its filters. */
const FILTERS = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

/** What of a model's config matters here. */
export interface PreprocessorContext {
  modelType: ModelConfig["modelType"];
  vision?: Pick<VisionConfig, "family" | "imageSize">;
}

/**
 * Reads a preprocessor_config.json, or a processor_config.json that holds one.
 *
 * The mode: "pad" where the file says `do_pad`; "crop" where it says `do_center_crop`, as the LLaVA-1.5 files on the hub
 * do; where it says neither, or is missing, "pad" for a LLaVA with a CLIP tower, since that is how it was trained, and
 * for any other encoder what the named class does by itself. A size of equal height and width needs no crop: "squash".
 *
 * @param json the parsed file, from outside; undefined where there is none
 * @param config of the model, which must have an encoder
 * @throws FoveaError `unsupported-model`, naming the field, its value and what is supported, also where the file
 *   contradicts the encoder's image size
 */
export function parsePreprocessorConfig(json: unknown, { modelType, vision }: PreprocessorContext): Preprocessing {
  assert(vision, `${modelType} has no encoder to preprocess pictures for`);
  const file = ConfigFields.of(json === undefined ? {} : json, FILE);
  const fields = file.object("image_processor") ?? file;
  const nameField = fields.has("image_processor_type") ? "image_processor_type" : "feature_extractor_type";
  const processor = fields.choice(nameField, CLASS_OF_FAMILY[vision.family], CLASSES);
  if (!fields.boolean("do_resize", true)) throw fields.unsupported("do_resize", "true, the encoder reads one size");
  if (fields.boolean("do_flip_channel_order", false)) throw fields.unsupported("do_flip_channel_order", "false");

  const rescales = fields.boolean("do_rescale", true);
  const normalizes = fields.boolean("do_normalize", true);
  return {
    ...modeAndSize(fields, processor, modelType === "llava" && vision.family === "clip", vision.imageSize),
    filter: readFilter(fields, processor.filter),
    mean: normalizes ? readTriple(fields, "image_mean", processor.mean, -1e6) : [0, 0, 0],
    std: normalizes ? readTriple(fields, "image_std", processor.std, 1e-6) : [1, 1, 1],
    rescale: rescales ? fields.number("rescale_factor", 1 / 255, 1e-9, 1e3) : 1,
  };
}

function modeAndSize(
  fields: ConfigFields,
  processor: ProcessorClass,
  padsByDefault: boolean,
  imageSize: number,
): Pick<Preprocessing, "mode" | "size" | "shortestEdge"> {
  const silent = !fields.has("do_pad") && !fields.has("do_center_crop");
  const pads = fields.boolean("do_pad", silent && padsByDefault);
  const crops = !pads && fields.boolean("do_center_crop", processor.crops);
  const size = imageSize;
  if (crops && readSides(fields, "crop_size", imageSize).side !== imageSize)
    throw contradiction(fields, "crop_size", imageSize);

  const { side, form } = readSides(fields, "size", imageSize, processor.plainSize);
  if (crops && form === "shortest_edge") {
    // Hugging Face would fill what a crop beyond the picture lacks with black.
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
  const value = JSON.stringify(fields.value(name)).slice(0, 100);
  return new FoveaError(
    "unsupported-model",
    `${FILE}: ${name} is ${value}, but config.json's encoder reads ${imageSize} x ${imageSize} pixels; one of the files is of another model`,
  );
}

function readFilter(fields: ConfigFields, fallback: Preprocessing["filter"]): Preprocessing["filter"] {
  const name = FILTERS[fields.integer("resample", FILTERS.indexOf(fallback), 0, FILTERS.length - 1)];
  if (name !== "lanczos" && name !== "bilinear" && name !== "bicubic")
    throw fields.unsupported("resample", `1 (lanczos), 2 (bilinear) and 3 (bicubic); this is ${name}`);
  return name;
}

/** Three numbers from `min` on, for red, green and blue. */
function readTriple(fields: ConfigFields, name: string, fallback: Triple, min: number): Triple {
  const value = fields.value(name);
  if (value === undefined) return fallback;
  const fits = (part: unknown) => typeof part === "number" && part >= min && part <= 1e6;
  if (!Array.isArray(value) || value.length !== 3 || !value.every(fits))
    throw fields.unsupported(name, `three numbers from ${min} to 1e6`);
  return [value[0], value[1], value[2]];
}
