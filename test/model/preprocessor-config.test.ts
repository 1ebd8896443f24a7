/** Reading preprocessor_config.json: published files, files that leave things out, files that must be refused by name. */
import { describe, expect, test } from "vitest";
import { FoveaError } from "../../src/errors.ts";
import { parsePreprocessorConfig } from "../../src/model/preprocessor-config.ts";
import { describeShared, needing, sharedJson } from "../support/shared.ts";

const HALF = [0.5, 0.5, 0.5];
const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD = [0.26862954, 0.26130258, 0.27577711];

const llava = { modelType: "llava", vision: { family: "clip", imageSize: 336 } } as const;
const llavaSiglip = { modelType: "llava", vision: { family: "siglip", imageSize: 384 } } as const;
const vit = { modelType: "vit", vision: { family: "vit", imageSize: 224 } } as const;

/** As llava-hf/llava-1.5-7b-hf publishes it. */
const LLAVA_FILE = {
  crop_size: { height: 336, width: 336 },
  do_center_crop: true,
  do_convert_rgb: true,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: CLIP_MEAN,
  image_processor_type: "CLIPImageProcessor",
  image_std: CLIP_STD,
  processor_class: "LlavaProcessor",
  resample: 3,
  rescale_factor: 1 / 255,
  size: { shortest_edge: 336 },
};
const SIGLIP_FILE = { image_processor_type: "SiglipImageProcessor", size: { height: 384, width: 384 }, resample: 3 };

function refusal(json: unknown, config: Parameters<typeof parsePreprocessorConfig>[1] = llava): string {
  try {
    parsePreprocessorConfig(json, config);
  } catch (error) {
    expect(error).toBeInstanceOf(FoveaError);
    expect((error as FoveaError).code).toBe("unsupported-model");
    return (error as FoveaError).message;
  }
  throw new Error("not refused");
}

describe("published files", () => {
  test("llava-1.5-7b-hf asks for the crop", () => {
    expect(parsePreprocessorConfig(LLAVA_FILE, llava)).toEqual({
      mode: "crop",
      size: 336,
      shortestEdge: 336,
      filter: "bicubic",
      mean: CLIP_MEAN,
      std: CLIP_STD,
      rescale: 1 / 255,
    });
  });

  test("a SigLIP tower's", () => {
    expect(parsePreprocessorConfig(SIGLIP_FILE, llavaSiglip)).toEqual({
      mode: "squash",
      size: 384,
      filter: "bicubic",
      mean: HALF,
      std: HALF,
      rescale: 1 / 255,
    });
  });

  test("LlavaImageProcessor with do_pad, which goes before its crop", () => {
    const file = { ...LLAVA_FILE, image_processor_type: "LlavaImageProcessor", do_pad: true };
    expect(parsePreprocessorConfig(file, llava)).toMatchObject({ mode: "pad", size: 336 });
    expect(parsePreprocessorConfig({ ...file, do_pad: false }, llava)).toMatchObject({ mode: "crop" });
  });

  test("the old ViTFeatureExtractor, whose size is a number", () => {
    const file = {
      feature_extractor_type: "ViTFeatureExtractor",
      size: 224,
      resample: 2,
      image_mean: HALF,
      image_std: HALF,
    };
    expect(parsePreprocessorConfig(file, vit)).toMatchObject({ mode: "squash", size: 224, filter: "bilinear" });
  });

  test("the old CLIPFeatureExtractor, whose size is the shortest edge", () => {
    const file = { feature_extractor_type: "CLIPFeatureExtractor", size: 336, crop_size: 336, do_center_crop: true };
    expect(parsePreprocessorConfig(file, llava)).toMatchObject({ mode: "crop", size: 336, shortestEdge: 336 });
  });

  test("inside a processor_config.json", () => {
    expect(parsePreprocessorConfig({ image_processor: SIGLIP_FILE }, llavaSiglip)).toMatchObject({ mode: "squash" });
  });
});

describeShared(needing("real/vit-tiny", "the real ViT's"), () => {
  test("file", async () => {
    expect(parsePreprocessorConfig(await sharedJson("real/vit-tiny/preprocessor_config.json"), vit)).toEqual({
      mode: "squash",
      size: 224,
      filter: "bilinear",
      mean: HALF,
      std: HALF,
      rescale: 0.00392156862745098,
    });
  });
});

describe("what files leave out", () => {
  test("no file: LLaVA with CLIP pads, SigLIP and ViT squash, each with its own filter", () => {
    expect(parsePreprocessorConfig(undefined, llava)).toEqual({
      mode: "pad",
      size: 336,
      filter: "bicubic",
      mean: CLIP_MEAN,
      std: CLIP_STD,
      rescale: 1 / 255,
    });
    expect(parsePreprocessorConfig(undefined, llavaSiglip)).toMatchObject({
      mode: "squash",
      filter: "bicubic",
      mean: HALF,
    });
    expect(parsePreprocessorConfig(undefined, vit)).toMatchObject({ mode: "squash", filter: "bilinear", std: HALF });
  });

  test("neither padding nor cropping mentioned: LLaVA pads", () => {
    const { do_center_crop: _, ...file } = LLAVA_FILE;
    expect(parsePreprocessorConfig(file, llava)).toMatchObject({ mode: "pad", size: 336 });
    expect(parsePreprocessorConfig({ ...file, do_pad: null }, llava)).toMatchObject({ mode: "pad" });
  });

  test("size and crop_size are the encoder's", () => {
    expect(parsePreprocessorConfig({ do_center_crop: true }, llava)).toMatchObject({ mode: "crop", shortestEdge: 336 });
  });

  test("equal sides need no crop", () => {
    const file = { ...LLAVA_FILE, size: { height: 336, width: 336 } };
    expect(parsePreprocessorConfig(file, llava)).toMatchObject({ mode: "squash" });
  });

  test("a larger shortest edge is cropped to the encoder's size", () => {
    const file = { ...LLAVA_FILE, size: { shortest_edge: 400 } };
    expect(parsePreprocessorConfig(file, llava)).toMatchObject({ mode: "crop", size: 336, shortestEdge: 400 });
  });

  test("switched off: bytes as they are, no mean", () => {
    const file = { ...LLAVA_FILE, do_rescale: false, do_normalize: false };
    expect(parsePreprocessorConfig(file, llava)).toMatchObject({ rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] });
  });

  test("numbers of its own", () => {
    const file = { ...LLAVA_FILE, rescale_factor: 1 / 127.5, image_mean: [1, 1, 1], image_std: [1, 2, 3] };
    expect(parsePreprocessorConfig(file, llava)).toMatchObject({ rescale: 1 / 127.5, mean: [1, 1, 1], std: [1, 2, 3] });
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
    [{ resample: 1 }, /this is lanczos/],
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
  ])("%j", ([changes, message]) => expect(refusal({ ...LLAVA_FILE, ...changes })).toMatch(message));

  test("what is no object", () => {
    for (const json of [null, [], "text", 3, true]) expect(refusal(json)).toContain("preprocessor_config.json is ");
    expect(refusal({ image_processor: [] })).toContain("image_processor is a list of 0");
  });
});
