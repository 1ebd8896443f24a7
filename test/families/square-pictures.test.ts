/** Pictures that become one square: published settings, settings that leave things out, and those refused by name. */
import { describe, expect, test } from "vitest";
import type { DescriptionFiles } from "../../src/families/registry.ts";
import { describeModel } from "../support/describe-model.ts";
import { having, refusalOf } from "../support/descriptions.ts";
import { needing, sharedJson, testShared } from "../support/shared.ts";
import llava7b from "./llava/llava-1.5-7b-hf/config.json" with { type: "json" };
import LLAVA_FILE from "./llava/llava-1.5-7b-hf/preprocessor_config.json" with { type: "json" };
import interleave from "./llava/llava-interleave-qwen-0.5b-hf/config.json" with { type: "json" };
import vitConfig from "./vit/vit-base-patch16-224-in21k/config.json" with { type: "json" };

const HALF = [0.5, 0.5, 0.5];
const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD = [0.26862954, 0.26130258, 0.27577711];
const SIGLIP_FILE = { image_processor_type: "SiglipImageProcessor", size: { height: 384, width: 384 }, resample: 3 };

type Beside = Omit<DescriptionFiles, "config.json">;
// Encoders of 336, 384 and 224 pixels.
const llava = (beside: Beside) => read({ "config.json": llava7b, ...beside });
const llavaSiglip = (beside: Beside) => read({ "config.json": interleave, ...beside });
const vit = (beside: Beside) => read({ "config.json": vitConfig, ...beside });
const file = (settings: unknown): Beside => ({ "preprocessor_config.json": settings });

/** The settings, and what becomes of a picture of 1000 x 100. */
function read(files: DescriptionFiles) {
  const { filter, mean, std, rescale, padColour, plan } = describeModel(files).pictures!;
  const { canvases, views } = plan(1000, 100, {});
  expect(canvases).toHaveLength(1);
  expect(views).toHaveLength(1);
  const { x, y } = canvases[0]!;
  const canvas = [x.canvasSize, y.canvasSize, x.pictureStart, y.pictureStart];
  const cut = [x.cropStart, y.cropStart, x.size, y.size];
  return { filter, mean, std, rescale, padColour, canvas, resized: [x.resizedSize, y.resizedSize], cut };
}

const pad = (size: number) => ({ canvas: [1000, 1000, 0, 450], resized: [size, size], cut: [0, 0, size, size] });
const squash = (size: number) => ({ canvas: [1000, 100, 0, 0], resized: [size, size], cut: [0, 0, size, size] });
const crop = (size: number, edge = size) => ({
  canvas: [1000, 100, 0, 0],
  resized: [10 * edge, edge],
  cut: [(10 * edge - size) / 2, (edge - size) / 2, size, size],
});
/** RGBA8 of the mean. */
const CLIP_GREY = 122 + 116 * 256 + 104 * 65536 + 255 * 16777216;
const HALF_GREY = 127 + 127 * 256 + 127 * 65536 + 255 * 16777216;

describe("published files", () => {
  test("llava-1.5-7b-hf asks for the crop", () => {
    expect(llava(file(LLAVA_FILE))).toEqual({
      ...crop(336),
      filter: "bicubic",
      mean: CLIP_MEAN,
      std: CLIP_STD,
      rescale: 1 / 255,
      padColour: CLIP_GREY,
    });
  });

  test("a SigLIP tower's", () => {
    expect(llavaSiglip(file(SIGLIP_FILE))).toEqual({
      ...squash(384),
      filter: "bicubic",
      mean: HALF,
      std: HALF,
      rescale: 1 / 255,
      padColour: HALF_GREY,
    });
  });

  test("LlavaImageProcessor with do_pad, which goes before its crop", () => {
    const settings = { ...LLAVA_FILE, image_processor_type: "LlavaImageProcessor", do_pad: true };
    expect(llava(file(settings))).toMatchObject(pad(336));
    expect(llava(file({ ...settings, do_pad: false }))).toMatchObject(crop(336));
  });

  test("the old ViTFeatureExtractor, whose size is a number", () => {
    const settings = { feature_extractor_type: "ViTFeatureExtractor", size: 224, resample: 2, image_mean: HALF };
    expect(vit(file({ ...settings, image_std: HALF }))).toMatchObject({ ...squash(224), filter: "bilinear" });
  });

  test("the old CLIPFeatureExtractor, whose size is the shortest edge", () => {
    const settings = {
      feature_extractor_type: "CLIPFeatureExtractor",
      size: 336,
      crop_size: 336,
      do_center_crop: true,
    };
    expect(llava(file(settings))).toMatchObject(crop(336));
  });
});

describe("inside a processor_config.json", () => {
  test("as transformers 5 saves it", () => {
    expect(llavaSiglip({ "processor_config.json": { image_processor: SIGLIP_FILE } })).toMatchObject(squash(384));
  });

  test("with the class names of transformers 5", () => {
    for (const image_processor_type of ["CLIPImageProcessor", "CLIPImageProcessorPil"])
      expect(
        llava({ "processor_config.json": { image_processor: { ...LLAVA_FILE, image_processor_type } } }),
      ).toMatchObject(crop(336));
  });

  test("goes before a preprocessor_config.json", () => {
    const processor = { image_processor: { ...LLAVA_FILE, size: { height: 336, width: 336 } } };
    expect(llava({ ...file(LLAVA_FILE), "processor_config.json": processor })).toMatchObject(squash(336));
  });

  test("is told by name", () => {
    const message = (image_processor: unknown) =>
      refusalOf(() => llava({ "processor_config.json": { image_processor } }));
    expect(message([])).toMatch(/^processor_config\.json: image_processor is a list of 0; supported: an object/);
    expect(message({ resample: 0 })).toMatch(/^processor_config\.json: image_processor\.resample is 0;/);
    expect(message({ size: 224 })).toMatch(/^processor_config\.json: image_processor\.size is 224, but/);
  });

  test("one without settings leaves them to the other file", () => {
    const processor = { processor_class: "LlavaProcessor", patch_size: 14 };
    expect(llava({ ...file(LLAVA_FILE), "processor_config.json": processor })).toMatchObject(crop(336));
    expect(llava({ "processor_config.json": processor })).toMatchObject(pad(336));
  });
});

describe("real files", () => {
  testShared(needing("real/vit-tiny", "the ViT's"), async () => {
    expect(vit(file(await sharedJson("real/vit-tiny/preprocessor_config.json")))).toEqual({
      ...squash(224),
      filter: "bilinear",
      mean: HALF,
      std: HALF,
      rescale: 0.00392156862745098,
      padColour: HALF_GREY,
    });
  });

  testShared(needing("faults", "a processor_config.json alone"), async () => {
    const processor = await sharedJson("faults/processor_config-only-as-transformers-v5-saves.json");
    expect(llava({ "processor_config.json": processor })).toMatchObject({ ...crop(336), mean: CLIP_MEAN });
  });
});

describe("what files leave out", () => {
  test("no file: LLaVA with CLIP pads, SigLIP and ViT squash, each with its own filter", () => {
    expect(llava({})).toEqual({
      ...pad(336),
      filter: "bicubic",
      mean: CLIP_MEAN,
      std: CLIP_STD,
      rescale: 1 / 255,
      padColour: CLIP_GREY,
    });
    expect(llavaSiglip({})).toMatchObject({ ...squash(384), filter: "bicubic", mean: HALF });
    expect(vit({})).toMatchObject({ ...squash(224), filter: "bilinear", std: HALF });
  });

  test("neither padding nor cropping mentioned: LLaVA pads", () => {
    const { do_center_crop: _, ...settings } = LLAVA_FILE;
    expect(llava(file(settings))).toMatchObject(pad(336));
    expect(llava(file({ ...settings, do_pad: null }))).toMatchObject(pad(336));
  });

  test("size and crop_size are the encoder's", () => {
    expect(llava(file({ do_center_crop: true }))).toMatchObject(crop(336));
  });

  test("equal sides need no crop", () => {
    expect(llava(file({ ...LLAVA_FILE, size: { height: 336, width: 336 } }))).toMatchObject(squash(336));
  });

  test("a larger shortest edge is cropped to the encoder's size", () => {
    expect(llava(file({ ...LLAVA_FILE, size: { shortest_edge: 400 } }))).toMatchObject(crop(336, 400));
  });

  test.for([
    [1, "lanczos"],
    [2, "bilinear"],
    [3, "bicubic"],
  ] as const)("resample %i is %s", ([resample, filter]) => {
    expect(llava(file({ ...LLAVA_FILE, resample })).filter).toBe(filter);
  });

  test("switched off: bytes as they are, no mean", () => {
    const settings = { ...LLAVA_FILE, do_rescale: false, do_normalize: false };
    expect(llava(file(settings))).toMatchObject({ rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] });
  });

  test("numbers of its own", () => {
    const numbers = { rescale_factor: 1 / 127.5, image_mean: [1, 1, 1], image_std: [1, 2, 3] };
    expect(llava(file({ ...LLAVA_FILE, ...numbers }))).toMatchObject({
      rescale: 1 / 127.5,
      mean: [1, 1, 1],
      std: [1, 2, 3],
    });
  });
});

describe("refused, by name", () => {
  test.for<[Record<string, unknown>, RegExp]>([
    [
      { image_processor_type: "MllamaImageProcessor" },
      /image_processor_type is "MllamaImageProcessor".*CLIPImageProcessor/,
    ],
    [{ image_processor_type: "__proto__" }, /image_processor_type is "__proto__"/],
    [{ resample: 0 }, /resample is 0; .*this is nearest/],
    [{ resample: 4 }, /supported: 1 \(lanczos\), 2 .*this is box/],
    [{ resample: 6 }, /resample is 6/],
    [{ resample: "bicubic" }, /resample is "bicubic"/],
    [{ do_resize: false }, /do_resize is false/],
    [{ do_center_crop: 1 }, /do_center_crop is 1/],
    [{ do_flip_channel_order: true }, /do_flip_channel_order is true/],
    [{ image_mean: [0.5, 0.5] }, /image_mean is a list of 2/],
    [{ image_mean: 0.5 }, /image_mean is 0.5/],
    [{ image_std: [0.5, 0, 0.5] }, /image_std is a list of 3; supported: three numbers from 0.000001/],
    [{ image_mean: [0.5, null, 0.5] }, /image_mean is a list of 3/],
    [{ rescale_factor: 0 }, /rescale_factor is 0/],
    [{ rescale_factor: "1/255" }, /rescale_factor is "1\/255"/],
    [{ size: { longest_edge: 336 } }, /size is an object; supported: a side, \{ shortest_edge \}/],
    [{ size: { shortest_edge: 336, longest_edge: 600 } }, /size is an object/],
    [{ size: { height: 336, width: 224 } }, /size.width is 224; supported: the height, 336/],
    [{ size: [336, 336] }, /size is a list of 2/],
    [{ size: { shortest_edge: 2.5 } }, /size.shortest_edge is 2.5/],
    [{ size: {} }, /size is an object/],
    [{ crop_size: { shortest_edge: 336 } }, /crop_size is an object; supported: a side, \{ height, width \}/],
    // Of a model of 224 pixels.
    [{ size: { shortest_edge: 224 }, crop_size: 224 }, /crop_size is 224, but config.json's encoder reads 336 x 336/],
    [{ size: { shortest_edge: 224 } }, /size is \{"shortest_edge":224\}, but/],
    [{ size: { height: 224, width: 224 } }, /encoder reads 336 x 336/],
    [{ do_pad: true, size: { shortest_edge: 224 } }, /encoder reads 336 x 336/],
    [{ do_center_crop: false }, /size is an object; supported: height and width/],
  ])("%j", ([changes, message]) => {
    expect(refusalOf(() => llava(file(having(LLAVA_FILE, changes))))).toMatch(message);
  });
});
