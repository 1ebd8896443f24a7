/** Pictures of several views: what events and numbers tell of them, and limits on what they may cost. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Fovea,
  type GenerateRequest,
  type GenerationEvent,
  type Message,
  type PictureBudget,
} from "../../src/index.ts";
import { chatFiles } from "../support/chat-files.ts";
import { expectNmse } from "../support/compare.ts";
import { expectRefusal } from "../support/engine.ts";
import { useDevice } from "../support/gpu.ts";
import { languageFiles } from "../support/random-models.ts";
import { sharedBytes, sharedUrl } from "../support/shared.ts";
import { NMSE_SAME_ROWS } from "../support/tolerances.ts";

type ImageEvent = Extract<GenerationEvent, { type: "image" }>;

/** Tiles of 56 pixels, 8 x 8 patches of 7, cells of 2 x 2: 16 tokens a view. */
const FOLDER = "golden/families/idefics3-s2-tags-f16";
const TOKENS = 16;

/** 37 x 187: two tiles, one above the other, and an overview. */
let tall: Blob;
/** 60 x 50: four tiles and an overview. */
const square = new ImageData(60, 50);
for (const i of square.data.keys()) square.data[i] = (i * 7) % 253;

const { device } = useDevice();

describe("a model that cuts pictures into tiles", () => {
  let fovea: Fovea;
  beforeAll(async () => {
    tall = new Blob([await sharedBytes("golden/families/pictures/tall_37x187.png")]);
    fovea = await Fovea.load(sharedUrl(`${FOLDER}/model`), {
      maxContext: 512,
      weights: "f32",
      precision: "f32",
      device: device(),
    });
  });
  afterAll(() => {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
  });

  const shown = (...images: (Blob | ImageData)[]): Message[] => [
    {
      role: "user",
      content: [...images.map((image) => ({ type: "image" as const, image })), { type: "text", text: "What is it?" }],
    },
  ];

  async function ask(messages: Message[], options: Partial<GenerateRequest> = {}) {
    const generation = fovea.generate({ messages, maxTokens: 2, ...options });
    const images: ImageEvent[] = [];
    for await (const event of generation) if (event.type === "image") images.push(event);
    return { images, stats: generation.stats! };
  }

  const counted = (from: number, count: number) => Uint32Array.from({ length: count }, (_, i) => from + i);

  test("says what it is", () => {
    expect(fovea.info).toMatchObject({
      family: "idefics3",
      takesPictures: true,
      imageTokens: TOKENS,
      defaults: { compression: { method: "none" }, inhibition: { maxRatio: 0 } },
    });
  });

  test("an event has the views, where they lie, and their columns", async () => {
    const { images, stats } = await ask(shown(tall));
    expect(images).toHaveLength(1);
    const [{ index, tokens, views, stages }] = images as [ImageEvent];
    expect([index, tokens, stages]).toEqual([0, 3 * TOKENS, []]);
    const place = { rows: 8, cols: 8, cell: 2, patch: 7, width: 56, height: 56, stages: [] };
    expect(views.map(({ toPicture: _, ...view }) => view)).toEqual([
      { ...place, columns: counted(0, TOKENS) },
      { ...place, columns: counted(TOKENS, TOKENS) },
      { ...place, columns: counted(2 * TOKENS, TOKENS) },
    ]);
    // The upper half, the lower half, and all of it.
    const [x, y] = [37 / 56, 187 / 112];
    const places = [
      [x, 0, 0, y, 0, 0],
      [x, 0, 0, y, 0, 187 / 2],
      [x, 0, 0, 187 / 56, 0, 0],
    ];
    for (const [i, { toPicture }] of views.entries())
      for (const [j, value] of toPicture.entries()) expect(value).toBeCloseTo(places[i]![j]!, 10);
    expect(stats.pictures).toMatchObject([{ views: 3, tokensBefore: 48, tokensAfter: 48 }]);
    expect(stats).toMatchObject({ imageTokensBefore: 48, imageTokensAfter: 48 });
  });

  test("compressed: stages of every view, and fewer columns", async () => {
    const { images, stats } = await ask(shown(tall), { compression: { method: "vmtc", ratio: 0.5 } });
    const [{ tokens, views, stages }] = images as [ImageEvent];
    expect(tokens).toBe(24);
    expect(views.map(({ columns }) => columns)).toEqual([counted(0, 8), counted(8, 8), counted(16, 8)]);
    expect(stages).toBe(views[0]!.stages);
    for (const view of views) {
      expect(view.stages.map(({ block }) => block)).toEqual([1, 2, 3]);
      expect(view.stages.map(({ origins }) => origins.length)).toEqual([13, 10, 8]);
      const cells = view.stages[2]!.origins.flatMap((origin) => [...origin]).sort((a, b) => a - b);
      expect(cells).toEqual([...counted(0, TOKENS)]);
    }
    // Two views of other content have other importance.
    expect(views[0]!.stages[0]!.importance).not.toEqual(views[1]!.stages[0]!.importance);
    expect(stats.pictures).toMatchObject([{ views: 3, tokensBefore: 48, tokensAfter: 24 }]);
  });

  test("a count is dealt out over the views, in batches of equal counts", async () => {
    const { images, stats } = await ask(shown(square), { compression: { method: "vmtc", tokens: 37 } });
    const [{ tokens, views }] = images as [ImageEvent];
    expect(tokens).toBe(37);
    // 37 of 80 are 7.4 of each view's 16: the two tokens that are left go to the first views.
    expect(views.map(({ columns }) => columns.length)).toEqual([8, 8, 7, 7, 7]);
    expect(views.flatMap(({ columns }) => [...columns])).toEqual([...counted(0, 37)]);
    expect(views.map(({ stages }) => stages.at(-1)!.origins.length)).toEqual([8, 8, 7, 7, 7]);
    expect(stats.pictures).toMatchObject([{ views: 5, tokensBefore: 80, tokensAfter: 37 }]);
  });

  test("`diverse` tells which cells it kept", async () => {
    const { images } = await ask(shown(tall), { compression: { method: "diverse", ratio: 0.25 } });
    for (const { columns, kept, stages } of images[0]!.views) {
      expect([columns.length, kept!.length, stages.length]).toEqual([4, 4, 0]);
      expect([...kept!]).toEqual([...new Set(kept)].sort((a, b) => a - b));
      expect(kept!.every((cell) => cell < TOKENS)).toBe(true);
    }
  });

  test("two pictures: an event and a cost of each, columns counted from the picture's first", async () => {
    const { images, stats } = await ask(shown(tall, square), { attention: true });
    expect(images.map(({ index, tokens, views }) => [index, tokens, views.length])).toEqual([
      [0, 48, 3],
      [1, 80, 5],
    ]);
    for (const { views, tokens } of images)
      expect(views.flatMap(({ columns }) => [...columns])).toEqual([...counted(0, tokens)]);
    expect(stats.pictures).toMatchObject([
      { views: 3, tokensBefore: 48, tokensAfter: 48 },
      { views: 5, tokensBefore: 80, tokensAfter: 80 },
    ]);
    expect(stats).toMatchObject({ imageTokensBefore: 128, imageTokensAfter: 128 });
  });

  test.for<[PictureBudget, number]>([
    [{}, 5],
    [{ maxTiles: 4 }, 5],
    [{ maxTiles: 3 }, 1],
    [{ maxTiles: 1 }, 1],
    [{ maxPixels: 4 * 56 * 56 }, 5],
    [{ maxPixels: 4 * 56 * 56 - 1 }, 1],
    [{ maxPixels: 56 * 56 }, 1],
  ])("a budget of %j: %i views, in an answer, alone and inspected", async ([pictures, count]) => {
    const { images, stats } = await ask(shown(square), { pictures });
    expect(images[0]!.views).toHaveLength(count);
    expect(stats.pictures).toMatchObject([{ views: count, tokensBefore: count * TOKENS, tokensAfter: count * TOKENS }]);
    const { views, features } = await fovea.encodeImage(square, { pictures });
    expect(views).toEqual(images[0]!.views);
    expect(features.rows).toBe(64 * count);
    const inspection = await fovea.inspect({ messages: shown(square), pictures });
    expect(inspection.images[0]!.views).toHaveLength(count);
    expect(inspection.prompt.pictures[0]!.map((run) => run.count)).toEqual(Array(count).fill(TOKENS));
  });

  test("alone: the features of every view, tiles first, as an inspection has them", async () => {
    for (const compression of [{ method: "none" }, { method: "vmtc", tokens: 37 }] as const) {
      const { features, stages, views } = await fovea.encodeImage(square, { compression });
      const inspection = await fovea.inspect({ messages: shown(square), compression });
      const [image] = inspection.images;
      const kept = compression.method === "none" ? [16, 16, 16, 16, 16] : [8, 8, 7, 7, 7];
      expect(image!.views.map((view) => view.features.rows)).toEqual(kept.map((cells) => 4 * cells));
      expect([features.rows, features.cols]).toEqual([4 * kept.reduce((a, b) => a + b), 48]);
      const all = image!.views.flatMap((view) => [...view.features.data]);
      expectNmse("features", features.data, all, NMSE_SAME_ROWS);
      expect(stages).toEqual(views[0]!.stages);
      expect(views.map((view) => view.stages.map(({ primary }) => primary))).toEqual(
        image!.views.map((view) => view.stages.map(({ primary }) => primary)),
      );
      // Rows of its views, in the prompt's order.
      expect(image!.projected.rows).toBe(kept.reduce((a, b) => a + b));
    }
  });

  const REFUSED: [unknown, typeof TypeError | typeof RangeError, RegExp][] = [
    [{ maxTiles: 0 }, RangeError, /pictures\.maxTiles must be an integer from 1 .* got 0/],
    [{ maxTiles: 1.5 }, RangeError, /pictures\.maxTiles/],
    [{ maxPixels: 56 * 56 - 1 }, RangeError, /pictures\.maxPixels .* from 3136 .* got 3135/],
    [{ minPixels: 10 }, TypeError, /pictures\.minPixels is 10, but this model enlarges every picture/],
    [{ tiles: 4 }, TypeError, /pictures\.tiles is not known; the fields are maxTiles, maxPixels, minPixels/],
    [[4], TypeError, /pictures must be an object/],
    [4, TypeError, /pictures must be an object/],
    [null, TypeError, /pictures must be an object/],
  ];

  test.for(REFUSED)("a budget of %j is refused everywhere", async ([budget, kind, says]) => {
    const pictures = budget as PictureBudget;
    const { gpuBytes } = fovea.memory;
    await expectRefusal(() => ask(shown(tall), { pictures }), kind, says);
    await expectRefusal(() => fovea.encodeImage(tall, { pictures }), kind, says);
    await expectRefusal(() => fovea.inspect({ messages: shown(tall), pictures }), kind, says);
    expect(fovea.memory.gpuBytes).toBe(gpuBytes);
  });

  test("what a picture of several views cannot have is refused", async () => {
    const original = { method: "vmtc", ratio: 0.5, positions: "original" } as const;
    const says = /"original" needs a picture of one view, this one has 3/;
    await expectRefusal(() => ask(shown(tall), { compression: original }), RangeError, says);
    await expectRefusal(() => fovea.encodeImage(tall, { compression: original }), RangeError, says);
    const few = { method: "prune-last", tokens: 2 } as const;
    await expectRefusal(() => ask(shown(tall), { compression: few }), RangeError, /tokens/);
    // A picture of one view can have both.
    const one = { pictures: { maxTiles: 1 } };
    expect((await ask(shown(tall), { compression: original, ...one })).stats.imageTokensAfter).toBe(8);
    expect((await ask(shown(tall), { compression: few, ...one })).stats.imageTokensAfter).toBe(2);
  });
});

describe("budgets of other models", () => {
  test("one that reads every picture as one square", async () => {
    const fovea = await Fovea.load(await chatFiles(), { maxContext: 300, device: device() });
    const encode = (pictures: PictureBudget) => fovea.encodeImage(square, { pictures });
    for (const pictures of [{ maxTiles: 1 }, { maxTiles: 9 }, { maxPixels: 1e6, minPixels: 1 }])
      expect((await encode(pictures)).views).toHaveLength(1);
    await expectRefusal(() => encode({ maxTiles: 0 }), RangeError, /pictures\.maxTiles/);
    await expectRefusal(() => encode({ maxPixels: 10 }), RangeError, /this model reads every picture as \d+ pixels/);
    await expectRefusal(() => encode({ minPixels: 1e9 }), RangeError, /this model reads every picture as \d+ pixels/);
    fovea.dispose();
  });

  test("one that reads text only: a budget is checked by its form, a picture refused", async () => {
    const fovea = await Fovea.load(languageFiles(), { maxContext: 64, device: device() });
    const ask = (content: Message["content"], pictures: object) =>
      fovea.generate({ messages: [{ role: "user", content }], maxTokens: 1, pictures }).text();
    expect(await ask("Once", { maxTiles: 2 })).not.toBe("");
    await expectRefusal(() => ask("Once", { many: 2 }), TypeError, /pictures\.many is not known/);
    const picture = [{ type: "image" as const, image: square }];
    await expectRefusal(() => ask(picture, {}), TypeError, /the model reads text only/);
    await expectRefusal(() => fovea.encodeImage(square), "unsupported-model", /reads text only/);
    expect(fovea.info).toMatchObject({ takesPictures: false, imageTokens: 0 });
    fovea.dispose();
  });
});
