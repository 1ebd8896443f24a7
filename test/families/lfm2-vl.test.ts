/** LFM2-VL: what stands in a prompt for a picture, defaults where files are silent, and settings that are refused. */
import { describe, expect, it } from "vitest";
import { describeModel } from "../support/describe-model.ts";
import { configRefusal, having, refusalOf } from "../support/descriptions.ts";
import config from "./lfm2_vl/LFM2-VL-450M/config.json" with { type: "json" };
import preprocessor from "./lfm2_vl/LFM2-VL-450M/preprocessor_config.json" with { type: "json" };

function promptOf(width: number, height: number, changes: Record<string, unknown> = {}, processor = {}): string {
  const { pictures } = describeModel({
    "config.json": config,
    "preprocessor_config.json": having(preprocessor, changes),
    "processor_config.json": processor,
  });
  const plan = pictures!.plan(width, height, {});
  const rows = plan.views.map(({ grid }) => (grid.rows / 2) * (grid.cols / 2));
  return pictures!
    .runs(plan, rows)
    .map((run) => ("text" in run ? run.text : `[${run.rows}]`))
    .join(" ");
}

describe("the place of a picture in a prompt", () => {
  it("names each tile and the thumbnail", () => {
    expect(promptOf(800, 1300)).toBe(
      "<|image_start|> <|img_row_1_col_1|> [256] <|img_row_1_col_2|> [256] <|img_row_2_col_1|> [256] " +
        "<|img_row_2_col_2|> [256] <|img_row_3_col_1|> [256] <|img_row_3_col_2|> [256] <|img_thumbnail|> [240] <|image_end|>",
    );
  });

  it("has no thumbnail where the model has none", () => {
    expect(promptOf(2000, 1000, { use_thumbnail: false })).toMatch(/<\|img_row_2_col_4\|> \[256\] <\|image_end\|>$/);
  });

  it("names nothing of a single view", () => {
    expect(promptOf(512, 512)).toBe("<|image_start|> [256] <|image_end|>");
    expect(promptOf(2000, 2000, { do_image_splitting: false })).toBe("<|image_start|> [256] <|image_end|>");
  });

  it("is rows alone without special tokens", () => {
    expect(promptOf(512, 512, {}, { use_image_special_tokens: false })).toBe("[256]");
    // Twice the pixels of 256 tokens are not yet large.
    expect(promptOf(1024, 512, {}, { use_image_special_tokens: false })).toBe("[242]");
    expect(promptOf(2048, 512, {}, { use_image_special_tokens: false })).toBe("[256] [256] [256] [256] [256]");
  });
});

describe("config.json", () => {
  it("may leave out what the classes default to", () => {
    const { encoder, connector, decoder, imageTokenId } = describeModel({ "config.json": { model_type: "lfm2_vl" } });
    expect(encoder).toMatchObject({ width: 768, blocks: 12, cell: 2, patch: { side: 16, channelsLast: true } });
    expect(encoder!.positions).toEqual({ grid: { rows: 32, cols: 32 }, table: { rows: 16, cols: 16 } });
    expect(connector.map(({ op }) => op)).toEqual(["fold", "norm", "linear", "linear"]);
    expect(decoder).toMatchObject({ width: 2560, vocabularySize: 65536 });
    expect(imageTokenId).toBe(396);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["no square of patches", { "vision_config.num_patches": 250 }, /num_patches is 250; supported: .* of a square/],
    ["another encoder", { "vision_config.model_type": "clip_vision_model" }, /model_type is "clip_vision_model"/],
    ["another decoder", { "text_config.model_type": "llama" }, /text_config\.model_type is "llama"; supported: lfm2/],
    ["a huge patch", { "vision_config.patch_size": 1 << 20 }, /patch_size is 1048576; supported: .* from 1 to 256/],
    ["a factor of nothing", { downsample_factor: 0 }, /downsample_factor is 0/],
    ["a huge factor", { downsample_factor: 16 }, /downsample_factor is 16; supported: an integer from 1 to 8/],
  ])("is refused with %s", (_, changes, message) => {
    expect(configRefusal(having(config, changes))).toMatch(message);
  });
});

it.each<[string, Record<string, unknown>, RegExp]>([
  ["another patch", { encoder_patch_size: 14 }, /encoder_patch_size is 14; supported: 16/],
  ["another factor", { downsample_factor: 4 }, /downsample_factor is 4; supported: 2/],
  ["tiles of no whole tokens", { tile_size: 500 }, /tile_size is 500; supported: a multiple of 32/],
  ["more tiles than fit", { max_tiles: 1000 }, /max_tiles is 1000; supported: an integer from 2 to 64/],
  ["more patches than a view may have", { max_image_tokens: 5000 }, /max_image_tokens is 5000; .* from 1 to 4096/],
  ["more tokens at least than at most", { min_image_tokens: 300 }, /min_image_tokens is 300; .* from 1 to 256/],
  ["no resize", { do_resize: false }, /do_resize is false; supported: true/],
  ["another processor", { image_processor_type: "CLIPImageProcessor" }, /image_processor_type is/],
])("a processor with %s is refused", (_, changes, message) => {
  const files = { "config.json": config, "preprocessor_config.json": having(preprocessor, changes) };
  expect(refusalOf(() => describeModel(files))).toMatch(message);
});
