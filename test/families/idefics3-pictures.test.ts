/** How Idefics3 and SmolVLM read pictures: settings in either file, what these leave out, and what must be refused by name. */
import { describe, expect, it } from "vitest";
import type { DescriptionFiles } from "../../src/families/registry.ts";
import { describeModel } from "../support/describe-model.ts";
import { having, refusalOf } from "../support/descriptions.ts";
import { smallTiled as small } from "../support/small-models.ts";
import preprocessor from "./idefics3/SmolVLM-256M-Instruct/preprocessor_config.json" with { type: "json" };

const settings = { max_image_size: { longest_edge: 32 }, size: { longest_edge: 64 } };

const specOf = (config: object, beside: Omit<DescriptionFiles, "config.json"> = {}) =>
  describeModel({ "config.json": config, ...beside });
const picturesOf = (fields: object) =>
  specOf(small, { "preprocessor_config.json": { ...settings, ...fields } }).pictures!;
const viewsOf = (fields: object) => picturesOf(fields).plan(100, 50, {}).views.length;

describe("what files leave out", () => {
  it("is the default of the processor's class", () => {
    const spec = specOf(having(small, { vision_config: { image_size: 364, patch_size: 14 } }), {
      "preprocessor_config.json": {},
    });
    expect(spec.pictures).toMatchObject({
      filter: "lanczos",
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      rescale: 1 / 255,
      largest: { width: 1456, height: 1456 },
    });
    expect(spec.pictures!.plan(1456, 1456, {}).views).toHaveLength(17);
  });

  it("without any settings: tiles of the encoder's size, four in a row", () => {
    expect(specOf(small).pictures!.largest).toEqual({ width: 128, height: 128 });
    expect(specOf(small).pictures!.plan(50, 50, {}).views).toHaveLength(17);
  });
});

describe("settings of pictures", () => {
  it("tiles, or one view", () => {
    expect(viewsOf({})).toBe(3);
    expect(viewsOf({ do_image_splitting: false })).toBe(1);
    expect(viewsOf({ size: { longest_edge: 96 } })).toBe(7);
    expect(picturesOf({}).largest).toEqual({ width: 64, height: 64 });
  });

  it("switched off: bytes as they are, no mean", () => {
    const numbers = { do_rescale: false, do_normalize: false };
    expect(picturesOf(numbers)).toMatchObject({ rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] });
    expect(picturesOf({ image_mean: [0, 0.1, 0.2], image_std: [1, 2, 3], rescale_factor: 1 / 127.5 })).toMatchObject({
      rescale: 1 / 127.5,
      mean: [0, 0.1, 0.2],
      std: [1, 2, 3],
    });
  });

  it("inside a processor_config.json alone, and before those of a preprocessor_config.json", () => {
    const processor = { image_processor: { ...settings, do_image_splitting: false }, image_seq_len: 16 };
    const alone = specOf(small, { "processor_config.json": processor });
    const both = specOf(small, { "processor_config.json": processor, "preprocessor_config.json": settings });
    for (const { pictures } of [alone, both]) expect(pictures!.plan(100, 50, {}).views).toHaveLength(1);
    const without = specOf(small, {
      "processor_config.json": { image_seq_len: 16 },
      "preprocessor_config.json": settings,
    });
    expect(without.pictures!.plan(100, 50, {}).views).toHaveLength(3);
  });

  it("the prompt of a picture: tags, rows, and two newlines before the overview", () => {
    const { plan, runs } = picturesOf({});
    const text = (rows: number[], width: number, height: number) =>
      runs(plan(width, height, {}), rows)
        .map((run) => ("text" in run ? run.text : `[${"view" in run ? run.view : "all"}:${run.rows}]`))
        .join("");
    const fake = "<fake_token_around_image>";
    expect(text([16, 9, 4], 100, 50)).toBe(
      `${fake}<row_1_col_1>[0:16]${fake}<row_1_col_2>[1:9]\n\n${fake}<global-img>[2:4]${fake}`,
    );
  });

  it.each([
    "Idefics3ImageProcessor",
    "Idefics3ImageProcessorFast",
    "SmolVLMImageProcessor",
    "SmolVLMImageProcessorFast",
  ])("reads the settings of a %s", (image_processor_type) => {
    expect(viewsOf({ image_processor_type })).toBe(3);
  });
});

describe("refused, with the field and what is supported", () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      "tiles of another model",
      { max_image_size: { longest_edge: 64 } },
      /max_image_size is an object; supported: \{ longest_edge: 32 \}/,
    ],
    [
      "tiles of the class, which this encoder does not read",
      { max_image_size: null },
      /max_image_size is missing; .*364/,
    ],
    ["a tile as number", { max_image_size: 32 }, /max_image_size is 32; supported: an object/],
    [
      "a tile without its edge",
      { max_image_size: { height: 32, width: 32 } },
      /max_image_size is an object; supported: \{ longest_edge \}/,
    ],
    ["a size of two sides", { size: { height: 64, width: 64 } }, /size is an object; supported: \{ longest_edge \}/],
    ["a huge size", { size: { longest_edge: 1e6 } }, /size\.longest_edge is 1000000/],
    ["a size of a fraction", { size: { longest_edge: 64.5 } }, /size\.longest_edge is 64\.5/],
    [
      "many tiles",
      { size: { longest_edge: 4096 } },
      /size is an object; supported: a longest_edge of at most 16 tiles of 32/,
    ],
    ["another filter", { resample: 3 }, /resample is 3; supported: 1$/],
    ["no resize", { do_resize: false }, /do_resize is false; supported: true/],
    ["pictures as they are", { do_convert_rgb: false }, /do_convert_rgb is false; supported: true/],
    ["splitting as string", { do_image_splitting: "yes" }, /do_image_splitting is "yes"/],
    [
      "the processor of another model",
      { image_processor_type: "Idefics2ImageProcessor" },
      /image_processor_type is "Idefics2ImageProcessor"/,
    ],
    ["a name of Object.prototype", { image_processor_type: "toString" }, /image_processor_type is "toString"/],
    ["a mean of two", { image_mean: [0.5, 0.5] }, /image_mean is a list of 2/],
    ["a deviation of zero", { image_std: [0.5, 0, 0.5] }, /image_std is a list of 3/],
    ["a scale of zero", { rescale_factor: 0 }, /rescale_factor is 0/],
  ])("%s", (_, changes, message) => {
    expect(refusalOf(() => picturesOf(changes))).toMatch(message);
  });

  it.each([1, 169, "16", 16.5])("a processor that writes %j placeholders for 16 rows", (image_seq_len) => {
    const message = refusalOf(() => specOf(small, { "processor_config.json": { image_seq_len } }));
    expect(message).toMatch(/^processor_config\.json: image_seq_len is .*; supported: 16$/);
  });

  it("a processor_config.json whose settings are a list", () => {
    const processor = { image_processor: [] };
    expect(refusalOf(() => specOf(small, { "processor_config.json": processor }))).toContain(
      "image_processor is a list",
    );
  });

  it("published settings beside another model's config", () => {
    const beside = { "preprocessor_config.json": preprocessor };
    expect(refusalOf(() => specOf(small, beside))).toMatch(/max_image_size is an object/);
  });
});
