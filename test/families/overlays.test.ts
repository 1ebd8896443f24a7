/**
 * Overlays of every family that reads pictures: its views, layer by layer, cover the picture as the person gave it, each point
 * once, and cells and points find each other. Published models and golden cases, over many shapes.
 */
import { describe, expect, test } from "vitest";
import type { SeenView } from "../../src/api.ts";
import { layersOf, tokenMap } from "../../src/app/logic/overlay.ts";
import { clipToPicture, type Size, squareAt, squareOnPicture, viewToPicture } from "../../src/image/geometry.ts";
import { originsAfter, wholeOrigins } from "../../src/model/compression/origins.ts";
import { DESCRIPTION_FILES } from "../../src/shared/model-files.ts";
import type { ModelSpec } from "../../src/spec/model-spec.ts";
import type { PicturePlan } from "../../src/spec/picture-spec.ts";
import { describeModel } from "../support/describe-model.ts";
import type { Reductions } from "../support/reductions.ts";

type Reader = ModelSpec & Required<Pick<ModelSpec, "pictures" | "encoder">>;

const FILES = import.meta.glob<object>(
  [
    "./*/*/{config,preprocessor_config,processor_config}.json",
    "../golden/families/*/model/{config,preprocessor_config,processor_config}.json",
  ],
  { eager: true, import: "default" },
);

/** Models that read pictures, by folder. */
const MODELS: [string, Reader][] = [];
for (const folder of new Set(Object.keys(FILES).map((path) => path.replace(/\/[^/]*$/, "")))) {
  const spec = describeModel(Object.fromEntries(DESCRIPTION_FILES.map((name) => [name, FILES[`${folder}/${name}`]])));
  if (spec.pictures && spec.encoder) MODELS.push([folder.replace(/^\.+\/(golden\/families\/)?/, ""), spec as Reader]);
}

/** Those of the golden pictures, a pixel, thin ones, and photographs. */
const SHAPES: Size[] = [
  [451, 300],
  [512, 512],
  [37, 187],
  [231, 43],
  [97, 64],
  [101, 151],
  [83, 83],
  [25, 20],
  [1, 1],
  [3, 150],
  [1000, 100],
  [1280, 720],
  [1500, 2000],
].map(([width, height]) => ({ width: width!, height: height! }));

/** The plan's views as an overlay has them. */
function seenViews(plan: PicturePlan, { encoder: { cell, patch } }: Reader): SeenView[] {
  return plan.views.map((view) => ({
    ...{ ...view.grid, cell, patch: patch.side, width: view.width, height: view.height },
    ...{ toPicture: [...viewToPicture(plan, view)] as SeenView["toPicture"], columns: new Uint32Array(), stages: [] },
  }));
}

/** True if parts of the picture are cut off before any view reads them. */
function crops({ canvases }: PicturePlan): boolean {
  return canvases.some(({ x, y }) => [x, y].some((axis) => axis.size < axis.resizedSize));
}

const area = ({ width, height }: Size) => width * height;
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

test("there are models of every family with pictures", () => {
  expect(new Set(MODELS.map(([, { family }]) => family)).size).toBeGreaterThanOrEqual(18);
});

describe.for(MODELS)("%s", ([, spec]) => {
  test("covers pictures of every shape", () => {
    for (const picture of SHAPES) {
      let plan: PicturePlan;
      try {
        plan = spec.pictures.plan(picture.width, picture.height, {});
      } catch (error) {
        // Some families refuse pictures that are too thin.
        expect(error).toBeInstanceOf(RangeError);
        expect(Math.max(picture.width / picture.height, picture.height / picture.width)).toBeGreaterThan(5);
        continue;
      }
      const what = `${picture.width} x ${picture.height}`;
      const views = seenViews(plan, spec);
      const layers = layersOf(views);
      expect(
        layers.flat().sort((a, b) => a - b),
        what,
      ).toEqual([...views.keys()]);
      for (const layer of layers)
        checkLayer(
          what,
          layer.map((view) => views[view]!),
          picture,
          crops(plan),
        );
    }
  });
});

/** Views that do not overlap. */
function checkLayer(what: string, views: readonly SeenView[], picture: Size, isCropped: boolean): void {
  const whole = (view: SeenView) =>
    clipToPicture(view.toPicture, { x: 0, y: 0, width: view.width, height: view.height }, picture);
  const covered = sum(views.map((view) => area(whole(view)))) / area(picture);
  if (isCropped) expect(covered, what).toBeLessThan(1 + 1e-9);
  else expect(covered, what).toBeCloseTo(1, 9);
  for (const view of views) {
    const side = view.cell * view.patch;
    const grid = {
      rows: Math.floor(view.rows / view.cell),
      cols: Math.floor(view.cols / view.cell),
      side,
      toPicture: view.toPicture,
    };
    // Pixels at the far edges that fill no cell are not read.
    const read = { x: 0, y: 0, width: grid.cols * side, height: grid.rows * side };
    expect(view.width - read.width, what).toBeGreaterThanOrEqual(0);
    expect(Math.max(view.width - read.width, view.height - read.height), what).toBeLessThan(side);
    let cells = 0;
    const lost: number[] = [];
    for (let cell = 0; cell < grid.rows * grid.cols; cell++) {
      const square = squareOnPicture(grid, cell, picture);
      cells += area(square);
      const found = squareAt(grid, square.x + square.width / 2, square.y + square.height / 2);
      if (area(square) > 1e-9 && found !== cell) lost.push(cell);
    }
    expect(lost, what).toEqual([]);
    expect(cells / area(picture), what).toBeCloseTo(
      area(clipToPicture(view.toPicture, read, picture)) / area(picture),
      9,
    );
  }
}

describe("cells of compressed views", () => {
  const reductions = import.meta.glob<Reductions>("../reductions/*.json", { eager: true, import: "default" });

  test.for(Object.values(reductions))("$case", ({ case: folder, prompts }) => {
    const spec = MODELS.find(([name]) => name.startsWith(folder))![1];
    let compressed = 0;
    for (const { settings } of prompts)
      for (const { views, options } of Object.values(settings))
        for (const { owners, stages, cells } of views) {
          if (options.method !== "vmtc" || stages.length === 0) continue;
          compressed++;
          let origins = wholeOrigins(cells);
          for (const { primary, labels } of stages) {
            const kept = new Set(primary);
            const redundant = [...origins.keys()].filter((cell) => !kept.has(cell));
            expect(redundant).toHaveLength(labels.length);
            origins = originsAfter(origins, { primary, redundant, labels });
          }
          // One line of cells: where they lie is the other test's.
          const view: SeenView = {
            ...{
              rows: spec.encoder.cell,
              cols: cells * spec.encoder.cell,
              cell: spec.encoder.cell,
              patch: 1,
              width: 1,
              height: 1,
            },
            ...{
              toPicture: [1, 0, 0, 1, 0, 0],
              columns: Uint32Array.from(owners),
              stages: [{ origins } as SeenView["stages"][number]],
            },
          };
          const { tokenOf, cellsOf } = tokenMap(view, 1)!;
          // Merging loses no cell: each is part of one token, and a token's owner is one of its cells.
          expect(cellsOf.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: cells }, (_, cell) => cell));
          expect(owners.map((owner) => tokenOf[owner])).toEqual([...owners.keys()]);
        }
    expect(compressed).toBeGreaterThan(0);
  });
});
