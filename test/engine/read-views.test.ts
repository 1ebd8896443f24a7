/** Views copied off the GPU: which numbers of a batch belong to which view, and in which order they are told. */
import { describe, expect, test, vi } from "vitest";
import {
  readInspectedViews,
  readProjected,
  readSeenViews,
  stackMatrices,
  viewPlaces,
  viewsInOrder,
} from "../../src/engine/read-views.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { squash, tiles, wholeView } from "../../src/image/geometry.ts";
import { initialOwners } from "../../src/kernels/owners.ts";
import type { StageTensors } from "../../src/model/compression/stage.ts";
import type { EncodedBatch, EncodedPicture } from "../../src/model/encoder/encoded-picture.ts";
import type { PictureEncoder } from "../../src/model/encoder/picture-encoder.ts";
import { elementCount } from "../../src/shared/shape.ts";
import type { PicturePlan } from "../../src/spec/picture-spec.ts";

// Tensors are their values here.
vi.mock("../../src/gpu/readback.ts", () => {
  const read = async (_gpu: unknown, { values }: FakeTensor) => values.slice();
  return { readTensor: read, readFloats: read };
});

interface FakeTensor {
  values: Float32Array | Uint32Array;
}

const gpu = {} as Gpu;

function tensor(shape: number[], values: ArrayLike<number>, type: "f32" | "u32" = "f32"): Tensor {
  expect(values.length).toBe(elementCount(shape));
  const typed = type === "f32" ? Float32Array.from(values) : Uint32Array.from(values);
  return { shape, type, values: typed } as unknown as Tensor;
}

const indices = (shape: number[], values: ArrayLike<number>) => tensor(shape, values, "u32");

/** [rows, 2] whose row i is (first + i, -first - i). */
function rowsFrom(count: number, first: number): Tensor {
  return tensor([count, 2], Array.from({ length: count }, (_, i) => [first + i, -first - i]).flat());
}

/** A picture of 80 x 40: two tiles of 4 x 4 patches, and an overview of 2 x 4 patches. */
function tiledPlan(): PicturePlan {
  const canvas = squash("picture", { width: 80, height: 40 }, { width: 16, height: 8 });
  const overview = squash(0, { width: 16, height: 8 }, { width: 8, height: 4 });
  return {
    canvases: [canvas, overview],
    views: [...tiles(0, canvas, 8, { rows: 4, cols: 4 }), wholeView(1, overview, { rows: 2, cols: 4 })],
  };
}

const encoderOf = (classToken = false, firstRow = 0) =>
  ({
    spec: { cell: 2, patch: { side: 2 }, classToken },
    rows: { firstRow, firstFeature: firstRow },
  }) as unknown as PictureEncoder;

function pictureOf(batches: Partial<EncodedBatch>[], rowsOfView: number[]): EncodedPicture {
  return { plan: tiledPlan(), batches, rowsOfView } as unknown as EncodedPicture;
}

/** A stage of B views that keeps two of four cells and merges the others into the second. */
const STAGE: StageTensors = {
  block: 3,
  primary: 1,
  clusters: 1,
  scores: tensor([2, 4], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]),
  order: indices([2, 4], [3, 0, 1, 2, 2, 0, 1, 3]),
  labels: indices([2, 3], [0, 0, 0, 0, 0, 0]),
  owners: indices([2, 2], [3, 2, 2, 3]),
};

test("views stand in the order of their runs", () => {
  expect(viewsInOrder([{ text: "<a>" }, { view: 2, rows: 4 }, { text: "" }, { view: 0, rows: 9 }])).toEqual([2, 0]);
  expect(viewsInOrder([{ text: "nothing" }])).toEqual([]);
});

test("places: grid, cell, size and the way to the picture of each view", () => {
  const tile = { rows: 4, cols: 4, cell: 2, patch: 2, width: 8, height: 8 };
  expect(viewPlaces(tiledPlan(), encoderOf())).toEqual([
    // 80 x 40 pixels on a canvas of 16 x 8: five pixels for one.
    { ...tile, toPicture: [5, 0, 0, 5, 0, 0] },
    { ...tile, toPicture: [5, 0, 0, 5, 40, 0] },
    { rows: 2, cols: 4, cell: 2, patch: 2, width: 8, height: 4, toPicture: [10, 0, 0, 10, 0, 0] },
  ]);
});

describe("seen views", () => {
  const columnsOf = async (encoder: PictureEncoder, picture: EncodedPicture, order: number[]) =>
    (await readSeenViews(gpu, encoder, picture, order)).map(({ columns }) => [...columns]);

  test("columns are numbered in the order of the prompt, not of the views", async () => {
    const picture = pictureOf(
      [
        { views: [0, 1], stages: [] },
        { views: [2], stages: [] },
      ],
      [4, 4, 2],
    );
    expect(await columnsOf(encoderOf(), picture, [0, 1, 2])).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    expect(await columnsOf(encoderOf(), picture, [2, 1, 0])).toEqual([
      [6, 7, 8, 9],
      [2, 3, 4, 5],
      [0, 1],
    ]);
  });

  test("a row of the class token has a column and is no token of the grid", async () => {
    const picture = pictureOf(
      [
        { views: [0, 1], stages: [] },
        { views: [2], stages: [] },
      ],
      [3, 3, 2],
    );
    expect(await columnsOf(encoderOf(true, 1), picture, [0, 1, 2])).toEqual([[1, 2], [4, 5], [7]]);
  });

  test("stages are those of each view's own batch and place in it", async () => {
    const picture = pictureOf(
      [
        { views: [0, 1], stages: [STAGE] },
        { views: [2], stages: [] },
      ],
      [2, 2, 2],
    );
    const [first, second, overview] = await readSeenViews(gpu, encoderOf(), picture, [0, 1, 2]);
    const [left, right] = [first!.stages[0]!, second!.stages[0]!];
    expect([left.block, left.primary, left.redundant].map(String)).toEqual(["3", "3", "0,1,2"]);
    expect([right.block, right.primary, right.redundant].map(String)).toEqual(["3", "2", "0,1,3"]);
    expect(left.importance).toEqual(Float32Array.of(0.1, 0.2, 0.3, 0.4));
    expect(right.importance).toEqual(Float32Array.of(0.5, 0.6, 0.7, 0.8));
    expect(right.labels).toEqual(Uint32Array.of(0, 0, 0));
    expect(left.origins.map((cells) => [...cells])).toEqual([[3], [0, 1, 2]]);
    expect(right.origins.map((cells) => [...cells])).toEqual([[2], [0, 1, 3]]);
    expect(left.tokens).toEqual({ data: new Float32Array(0), rows: 0, cols: 0 });
    expect(overview!.stages).toEqual([]);
  });

  test("views of a batch need not be neighbours", async () => {
    const picture = pictureOf(
      [
        { views: [0, 2], stages: [STAGE] },
        { views: [1], stages: [] },
      ],
      [2, 4, 2],
    );
    const views = await readSeenViews(gpu, encoderOf(), picture, [0, 1, 2]);
    expect(views.map(({ stages }) => stages.map(({ primary }) => [...primary]))).toEqual([[[3]], [], [[2]]]);
  });

  test("a stage that drops has no labels; tokens come with a class token that stands for no cell", async () => {
    const { labels: _, ...dropping } = STAGE;
    const stages = [{ ...dropping, tokens: rowsFrom(6, 1) }];
    const picture = pictureOf(
      [
        { views: [0, 1], stages },
        { views: [2], stages: [] },
      ],
      [2, 2, 2],
    );
    const [, second] = await readSeenViews(gpu, encoderOf(true), picture, [0, 1, 2]);
    const [stage] = second!.stages;
    expect(stage!.labels).toEqual(new Uint32Array(0));
    expect(stage!.tokens).toEqual({ data: Float32Array.of(4, -4, 5, -5, 6, -6), rows: 3, cols: 2 });
    expect(stage!.origins.map((cells) => [...cells])).toEqual([[], [2]]);
  });

  test("cells that were chosen after the connector are reported for each view that has a choice", async () => {
    const kept = indices([2, 4], [1, 2, 0, 3, 0, 3, 1, 2]);
    const picture = pictureOf(
      [
        { views: [0, 1], stages: [], kept, rows: 2 },
        { views: [2], stages: [] },
      ],
      [2, 2, 2],
    );
    const views = await readSeenViews(gpu, encoderOf(), picture, [0, 1, 2]);
    expect(views.map((view) => view.kept && [...view.kept])).toEqual([[1, 2], [0, 3], undefined]);
    expect("kept" in views[2]!).toBe(false);
  });
});

describe("inspected views", () => {
  const owners = (views: number) => indices([views, 4], initialOwners(4, views));

  test("of whole views, patches stand in raster order", async () => {
    const batches = [
      { views: [0, 1], grid: { rows: 4, cols: 4 }, stages: [], features: rowsFrom(32, 0), owners: owners(2) },
    ];
    const views = await readInspectedViews(gpu, encoderOf(), pictureOf(batches, [4, 4]));
    const firsts = (view: number) => Array.from({ length: 16 }, (_, i) => views[view]!.features.data[2 * i]!);
    // Row by row: seats 0 and 1 of the first cell, then of the second; below them their seats 2 and 3.
    const raster = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15];
    expect(firsts(0)).toEqual(raster);
    expect(firsts(1)).toEqual(raster.map((row) => 16 + row));
    expect(views.map(({ rows, cols, cell, owners }) => [rows, cols, cell, ...owners])).toEqual([
      [4, 4, 2, 0, 1, 2, 3],
      [4, 4, 2, 0, 1, 2, 3],
    ]);
  });

  test("a class token that is kept stays first", async () => {
    const batches = [
      { views: [0], grid: { rows: 4, cols: 4 }, stages: [], features: rowsFrom(17, 100), owners: owners(1) },
    ];
    const [view] = await readInspectedViews(gpu, encoderOf(true, 1), pictureOf(batches, [5]));
    expect([0, 1, 2, 3].map((row) => view!.features.data[2 * row])).toEqual([100, 101, 102, 105]);
  });

  test("of compressed views, cells stay as they are, with their owners", async () => {
    const batches = [
      { views: [0, 1], grid: { rows: 4, cols: 4 }, stages: [STAGE], features: rowsFrom(16, 0), owners: STAGE.owners },
    ];
    const views = await readInspectedViews(gpu, encoderOf(), pictureOf(batches, [2, 2]));
    expect(views[1]!.features).toEqual({
      data: Float32Array.from([8, 9, 10, 11, 12, 13, 14, 15].flatMap((row) => [row, -row])),
      rows: 8,
      cols: 2,
    });
    expect(views.map(({ owners }) => [...owners])).toEqual([
      [3, 2],
      [2, 3],
    ]);
  });

  test("the choice of `diverse`, ascending and as it was made", async () => {
    const batch = { views: [0, 1], grid: { rows: 4, cols: 4 }, stages: [], rows: 2, features: rowsFrom(32, 0) };
    const kept = indices([2, 4], [1, 2, 0, 3, 0, 3, 1, 2]);
    const chosen = indices([2, 2], [2, 1, 0, 3]);
    const left = indices([2, 2], [1, 2, 0, 3]);
    const views = await readInspectedViews(
      gpu,
      encoderOf(),
      pictureOf([{ ...batch, kept, chosen, owners: left }], [2, 2]),
    );
    expect(views.map((view) => [[...view.kept!], [...view.chosen!], [...view.owners]])).toEqual([
      [
        [1, 2],
        [2, 1],
        [1, 2],
      ],
      [
        [0, 3],
        [0, 3],
        [0, 3],
      ],
    ]);
  });
});

test("projected rows stand in the order of the prompt", async () => {
  const batches = [
    { views: [0, 2], projected: rowsFrom(4, 0) },
    { views: [1], projected: rowsFrom(3, 10) },
  ];
  const { data, rows, cols } = await readProjected(gpu, pictureOf(batches, [2, 3, 2]), [1, 2, 0]);
  expect([rows, cols]).toEqual([7, 2]);
  expect([0, 1, 2, 3, 4, 5, 6].map((row) => data[2 * row])).toEqual([10, 11, 12, 2, 3, 0, 1]);
});

test("matrices one below the other", () => {
  const matrix = (rows: number, first: number) => ({
    data: Float32Array.from({ length: rows * 3 }, (_, i) => first + i),
    rows,
    cols: 3,
  });
  expect(stackMatrices([matrix(1, 0), matrix(2, 10)])).toEqual({
    data: Float32Array.of(0, 1, 2, 10, 11, 12, 13, 14, 15),
    rows: 3,
    cols: 3,
  });
  expect(stackMatrices([])).toEqual({ data: new Float32Array(0), rows: 0, cols: 0 });
});
