/** Tiles at the best resolution: sizes, budgets, and the order of rows with and without compression. */
import { describe, expect, it } from "vitest";
import { planAnyres } from "../../src/families/parts/anyres.ts";
import { anyresOrder } from "../../src/families/parts/anyres-rows.ts";
import type { Arrangement } from "../../src/spec/picture-spec.ts";
import { describeModel } from "../support/describe-model.ts";
import { having, refusalOf } from "../support/descriptions.ts";
import onevision from "./llava_onevision/llava-onevision-qwen2-0.5b-ov-hf/config.json" with { type: "json" };
import processor from "./llava_onevision/llava-onevision-qwen2-0.5b-ov-hf/preprocessor_config.json" with {
  type: "json",
};

const size = (rows: number, cols: number) => ({ width: cols * 10, height: rows * 10 });
const RULE = { resolutions: [size(1, 2), size(2, 1), size(2, 2)], side: 10, grid: { rows: 2, cols: 2 } };

/** The rows of an arrangement: sources by number, the learned row as "|"; several sources as their sum. */
function written({ sources, weights, taps }: Arrangement, learned: number): string {
  const rows = Array.from({ length: weights.length / taps }, (_, row) => {
    const own = Array.from({ length: taps }, (_, tap) => row * taps + tap).filter((i) => weights[i] !== 0);
    const names = own.map((i) => {
      const name = sources[i] === learned ? "|" : String(sources[i]);
      return weights[i] === 1 ? name : `${Number(weights[i]!.toFixed(4))}*${name}`;
    });
    return names.join("+");
  });
  return rows.join(" ");
}

describe("plans", () => {
  it.each<[number, number, string]>([
    [40, 40, "20x20"],
    [40, 20, "20x10"],
    [20, 40, "10x20"],
    // Smaller than a view: all resolutions use all of its pixels, the first of the least waste wins.
    [5, 5, "20x10"],
    // No resolution has room for a whole pixel of its width.
    [1, 1000, "20x10"],
  ])("%i x %i pixels", (width, height, expected) => {
    const { canvases, views } = planAnyres(RULE, width, height, {});
    const last = canvases.at(-1)!;
    expect(`${last.x.size}x${last.y.size}`).toBe(expected);
    expect(views).toHaveLength(1 + (last.x.size * last.y.size) / 100);
    expect(views[0]).toMatchObject({ canvas: 0, left: 0, top: 0, width: 10, height: 10 });
  });

  it("centres a picture that is smaller than its resolution, an odd pixel behind", () => {
    const { canvases } = planAnyres(RULE, 40, 15, {});
    expect(canvases.map(({ x, y }) => [x.size, y.size])).toEqual([
      [10, 10],
      [20, 8],
      [20, 10],
    ]);
    expect(canvases[2]).toMatchObject({ from: 1, y: { pictureSize: 8, canvasSize: 10, pictureStart: 1 } });
  });

  it("keeps a budget", () => {
    const views = (budget: object) => planAnyres(RULE, 40, 40, budget).views.length;
    expect([views({}), views({ maxTiles: 3 }), views({ maxTiles: 1 }), views({ maxPixels: 399 })]).toEqual([
      5, 3, 1, 3,
    ]);
    expect(() => planAnyres(RULE, 40, 40, { maxTiles: 0 })).toThrow(RangeError);
    expect(() => planAnyres(RULE, 40, 40, { maxPixels: 99 })).toThrow(/maxPixels/);
    expect(() => planAnyres(RULE, 40, 40, { minPixels: 5 })).toThrow(TypeError);
  });
});

describe("order of rows", () => {
  const order = anyresOrder(RULE.grid);

  it("of a picture that fills its tiles", () => {
    // Two tiles side by side: a map of 2 x 4.
    const plan = planAnyres(RULE, 40, 20, {});
    expect(written(order.arrange(plan), 12)).toBe("0 1 2 3 4 5 8 9 | 6 7 10 11 |");
  });

  it("of one view", () => {
    const plan = planAnyres(RULE, 40, 20, { maxTiles: 1 });
    expect(written(order.arrange(plan), 4)).toBe("0 1 2 3 |");
    expect(written(order.arrange(plan, [[2, 0]]), 2)).toBe("0 1 |");
  });

  it("without padding", () => {
    // 2 x 4 cells of a picture 4 times as wide as high: half of the height is padding.
    const wide = { ...RULE, grid: { rows: 4, cols: 4 } };
    const plan = planAnyres(wide, 80, 20, {});
    const text = written(anyresOrder(wide.grid).arrange(plan), 48).split(" ").slice(16).join(" ");
    expect(text).toBe("20 21 22 23 36 37 38 39 | 24 25 26 27 40 41 42 43 |");
  });

  it("of compressed views: lines with a kept cell, in the order of their cells", () => {
    const plan = planAnyres(RULE, 40, 20, {});
    // Of the left tile a merged row that stands for its first cell; of the right tile the last cell.
    const owners = [
      [3, 1],
      [2, 0],
      [3, 2],
    ];
    expect(written(order.arrange(plan, owners), 6)).toBe("0 1 3 | 2 5 4 |");
    const lower = [[0], [2], [3]];
    expect(written(order.arrange(plan, lower), 3)).toBe("0 1 2 |");
    expect(order.most(plan, [2, 2, 2])).toBe(8);
  });

  it("leaves out kept cells of padding", () => {
    const wide = { ...RULE, grid: { rows: 4, cols: 4 } };
    const plan = planAnyres(wide, 80, 20, {});
    expect(written(anyresOrder(wide.grid).arrange(plan, [[0], [0, 5], [15]]), 4)).toBe("0 2 |");
  });

  it("shrinks maps above their limit, bilinearly", () => {
    const plan = planAnyres(RULE, 40, 40, {});
    // A map of 4 x 4 for at most one tile's 2 x 2.
    const { weights, taps, sources } = anyresOrder(RULE.grid, 1).arrange(plan);
    expect(weights.length / taps).toBe(4 + 2 * 3);
    expect([...sources.slice(4 * taps, 5 * taps)]).toEqual([4, 5, 6, 7]);
    expect([...weights.slice(4 * taps, 5 * taps)]).toEqual([0.25, 0.25, 0.25, 0.25]);
    // Compressed views keep their rows.
    const owners = plan.views.map(() => [0, 1, 2]);
    expect(written(anyresOrder(RULE.grid, 1).arrange(plan, owners), 15).split(" ")).toHaveLength(3 + 12 + 4);
  });

  it("counts tiles of a shrunk map by their share of it, so that compression never adds rows", () => {
    const rowsOf = ({ weights, taps }: { weights: Float32Array; taps: number }) => weights.length / taps;
    for (const side of [2, 3, 6])
      for (const most of [1, 2, 4, 9])
        for (const [width, height] of [
          [40, 40],
          [400, 330],
          [90, 300],
        ]) {
          const grid = { rows: side, cols: side };
          const plan = planAnyres({ ...RULE, grid }, width!, height!, {});
          const order = anyresOrder(grid, most);
          const whole = order.arrange(plan);
          const counted = order.counted!(plan);
          expect(counted[0]).toBe(side ** 2);
          if (whole.taps === 1) expect(counted).toEqual(plan.views.map(() => side ** 2));
          // The first and the last cells of each view are spread over as many lines as can be.
          const owners = counted.map((count) =>
            Array.from({ length: count }, (_, i) => Math.floor((i * side ** 2) / count)),
          );
          if (whole.taps > 1) expect(rowsOf(order.arrange(plan, owners))).toBeLessThanOrEqual(rowsOf(whole));
        }
    const plan = planAnyres(RULE, 40, 40, {});
    // A map of 4 x 4 becomes 2 x 2, with 2 learned rows, where a compressed one may have 4.
    expect(anyresOrder(RULE.grid, 1).counted!(plan)).toEqual([4, ...new Array<number>(plan.views.length - 1).fill(1)]);
  });

  it("leaves a map that is a little above its limit", () => {
    const plan = planAnyres(RULE, 40, 40, {});
    // The roots of 1, of 1.2 and of 1.22, which is the first above 1.1.
    expect(anyresOrder(RULE.grid, 4).arrange(plan).taps).toBe(1);
    expect(anyresOrder(RULE.grid, 16 / 4 / 1.2).arrange(plan).taps).toBe(1);
    expect(anyresOrder(RULE.grid, 16 / 4 / 1.22).arrange(plan).taps).toBe(4);
  });
});

describe("settings", () => {
  const refusal = (config: Record<string, unknown>, settings: Record<string, unknown> = {}) =>
    refusalOf(() =>
      describeModel({
        "config.json": having(onevision, config),
        "preprocessor_config.json": having(processor, settings),
      }),
    );

  it.each<[string, Record<string, unknown>, Record<string, unknown>, RegExp]>([
    ["resolutions that are no list", { image_grid_pinpoints: 5 }, {}, /config\.json: image_grid_pinpoints is 5;/],
    ["a resolution of no whole views", { image_grid_pinpoints: [[384, 400]] }, {}, /multiples of 384/],
    ["a resolution of many views", { image_grid_pinpoints: [[38400, 384]] }, {}, /at most 64 tiles/],
    ["two lists", {}, { image_grid_pinpoints: [[384, 384]] }, /preprocessor_config\.json: image_grid_pinpoints/],
    ["another size", {}, { size: { height: 224, width: 224 } }, /size\.height is 224; supported: 384/],
    ["another processor", {}, { image_processor_type: "CLIPImageProcessor" }, /image_processor_type is "CLIPImage/],
    ["no resize", {}, { do_resize: false }, /do_resize is false/],
    ["an unknown limit", { vision_aspect_ratio: "pad" }, {}, /vision_aspect_ratio is "pad"; supported: anyres_max_/],
  ])("refuses %s", (_, config, settings, message) => {
    expect(refusal(config, settings)).toMatch(message);
  });

  it("without lists and without a processor's file", () => {
    const { pictures } = describeModel({ "config.json": having(onevision, { image_grid_pinpoints: null }) });
    expect(pictures).toMatchObject({
      largest: { width: 2304, height: 2304 },
      filter: "bicubic",
      mean: [0.5, 0.5, 0.5],
    });
    expect(pictures!.plan(300, 300, {}).views).toHaveLength(2);
  });

  it("several pictures have one view each, on grey", () => {
    const { pictures } = describeModel({ "config.json": onevision, "preprocessor_config.json": processor });
    const plan = pictures!.planSeveral!(1000, 100, {});
    expect(plan).toMatchObject({ views: [{ grid: { rows: 27, cols: 27 }, width: 384 }], padColour: 0xff7f7f7f });
    expect(pictures!.plan(1000, 100, {}).padColour).toBe(0xff000000);
    expect(() => pictures!.planSeveral!(10, 10, { maxTiles: 0 })).toThrow(RangeError);
  });
});
