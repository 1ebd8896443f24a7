/** Token reduction after the encoder on cells of batched views, against the plain route in float64. */
import { describe, expect, test } from "vitest";
import type { Gpu } from "../../../src/gpu/device.ts";
import type { Recorder } from "../../../src/gpu/pass.ts";
import { readFloats, readTensor } from "../../../src/gpu/readback.ts";
import { initialOwners } from "../../../src/kernels/owners.ts";
import {
  type EncodedCells,
  type SelectArgs,
  type Selected,
  selectCells,
} from "../../../src/model/compression/baselines.ts";
import type { ViewPlan } from "../../../src/model/compression/plan.ts";
import { ROW_METHODS } from "../../../src/model/compression/rows/registry.ts";
import { type SelectedRows, selectRows } from "../../../src/model/compression/rows/select-rows.ts";
import { readOwners } from "../../../src/model/compression/stage.ts";
import { diverse } from "../../reference/diverse.ts";
import { gatherCells } from "../../reference/gather-cells.ts";
import { meanKeys } from "../../reference/mean-keys.ts";
import { pool } from "../../reference/pool.ts";
import { prumerge } from "../../reference/prumerge.ts";
import { topK } from "../../reference/top-k.ts";
import { expectNmse } from "../../support/compare.ts";
import { freshRandom, inputTensor, type Random, useGpu } from "../../support/gpu.ts";
import { type Disturb, hasMargin } from "../../support/margin.ts";
import { NMSE_PRODUCT } from "../../support/tolerances.ts";
import { joinViews, makeViews } from "../../support/views.ts";

interface Shape {
  views: number;
  /** Of cells. */
  grid: { rows: number; cols: number };
  seats: number;
  first: number;
}

/** On and off the workgroups; every side of a cell, with and without a class token; grids that are not square. */
const SHAPES: Shape[] = [
  { views: 1, grid: { rows: 7, cols: 7 }, seats: 1, first: 1 },
  { views: 2, grid: { rows: 3, cols: 5 }, seats: 4, first: 0 },
  { views: 5, grid: { rows: 4, cols: 2 }, seats: 9, first: 1 },
  { views: 1, grid: { rows: 6, cols: 9 }, seats: 16, first: 0 },
];

const HEADS = 3;
const HEAD_WIDTH = 5;
const WIDTH = HEADS * HEAD_WIDTH;

/** One view as an encoder leaves it. */
interface View {
  before: Float32Array; // [first, C]
  cells: Float32Array; // [N, S * C]
  scores: Float32Array; // [N]
  qkv: Float32Array; // [first + N * S, 3 C]
}

function randomViews({ views, grid, seats, first }: Shape, random: Random): View[] {
  const count = grid.rows * grid.cols;
  return makeViews(views, () => ({
    before: random.floats(first * WIDTH),
    cells: random.floats(count * seats * WIDTH),
    scores: Float32Array.from({ length: count }, () => random.uniform()),
    qkv: random.floats((first + count * seats) * 3 * WIDTH),
  }));
}

/** Head-mean keys of a view's cells, [N, S * D]. */
function keysOf({ qkv }: View, { first }: Shape): Float64Array {
  const rows = Array.from({ length: qkv.length / (3 * WIDTH) - first }, (_, i) =>
    qkv.subarray((first + i) * 3 * WIDTH + WIDTH, (first + i) * 3 * WIDTH + 2 * WIDTH),
  );
  return meanKeys(joinViews(rows), HEADS, HEAD_WIDTH);
}

async function select(gpu: Gpu, views: View[], shape: Shape, plan: ViewPlan) {
  const { grid, seats, first } = shape;
  const [batch, count] = [views.length, grid.rows * grid.cols];
  const all = joinViews(views.flatMap(({ before, cells }) => [before, cells]));
  const rows = batch * (first + count * seats);
  const qkv = inputTensor(gpu, [rows, 3 * WIDTH], joinViews(views.map((view) => view.qkv)));
  const encoded: EncodedCells = {
    hidden: inputTensor(gpu, [rows, WIDTH], all),
    owners: inputTensor(gpu, [batch, count], initialOwners(count, batch), "u32"),
    scores: inputTensor(gpu, [batch, count], joinViews(views.map(({ scores }) => scores))),
  };
  const keys = { tensor: qkv, stride: 3 * WIDTH, offset: WIDTH };
  const arenas = { kept: gpu.arena, scratch: gpu.arena };
  const heads = { heads: HEADS, headWidth: HEAD_WIDTH };
  const args: SelectArgs = { plan, block: 3, grid, first, seats, keys, ...heads, ...arenas };
  let selected!: Selected;
  const record = (pass: Recorder) => {
    selected = selectCells(pass, encoded, args);
  };
  await gpu.compile(record);
  gpu.submit("select", record);
  return { ...selected, encoded, data: await readFloats(gpu, selected.hidden) };
}

describe("after the encoder", () => {
  const { gpu } = useGpu();

  test.for(SHAPES)("prune-last keeps the most important cells: %j", async (shape) => {
    const views = randomViews(shape, freshRandom("prune-last"));
    const { data, stage } = await select(gpu(), views, shape, { method: "prune-last", tokens: 3 });
    const kept = views.map(({ scores }) => topK(scores, 3).kept);
    const rows = views.flatMap(({ before, cells }, b) => [before, gatherCells(cells, kept[b]!, shape.seats * WIDTH)]);
    expect([...data]).toEqual([...joinViews(rows)]);
    expect(stage).toMatchObject({ block: 3, primary: 3, clusters: 0 });
    expect(stage!.labels).toBeUndefined();
    expect((await readOwners(gpu(), stage!.owners)).map((owners) => [...owners])).toEqual(kept);
  });

  test.for(SHAPES)("prumerge compares cells by the keys of all their seats: %j", async (shape) => {
    const views = randomViews(shape, freshRandom("prumerge"));
    const { data, stage } = await select(gpu(), views, shape, { method: "prumerge", tokens: 4 });
    const expected = views.map((view) => prumerge(view.cells, keysOf(view, shape), Float64Array.from(view.scores), 4));
    const rows = views.flatMap(({ before }, b) => [before, expected[b]!.features]);
    expectNmse("rows", data, joinViews(rows), NMSE_PRODUCT);
    const owners = await readOwners(gpu(), stage!.owners);
    expect(owners.map((each) => [...each])).toEqual(expected.map(({ kept }) => kept));
  });

  test.for(SHAPES)("pool averages windows of cells: %j", async (shape) => {
    const { rows, cols } = shape.grid;
    const views = randomViews(shape, freshRandom("pool"));
    const { data, stage } = await select(gpu(), views, shape, { method: "pool", factor: 2 });
    const expected = views.flatMap(({ before, cells }) => [before, pool(cells, rows, cols, 2)]);
    expectNmse("rows", data, joinViews(expected), NMSE_PRODUCT);
    expect(stage).toBeUndefined();
  });

  test("other plans leave the hidden states as they are", async () => {
    const shape = SHAPES[1]!;
    const views = randomViews(shape, freshRandom("none"));
    for (const plan of [{ method: "none" }, { method: "diverse", tokens: 2 }] as const) {
      const { hidden, encoded, stage } = await select(gpu(), views, shape, plan);
      expect(hidden).toBe(encoded.hidden);
      expect(stage).toBeUndefined();
    }
  });

  test.for([
    { views: 1, cells: 1, width: 6, tokens: 1, first: 0 },
    { views: 2, cells: 30, width: 16, tokens: 11, first: 1 },
    { views: 5, cells: 9, width: 7, tokens: 8, first: 0 },
  ])("diverse keeps $tokens of $cells rows of $width after $first, $views views", async (shape) => {
    const { views, cells, width, tokens, first } = shape;
    const random = freshRandom("diverse");
    const viewWithMargin = (): Float32Array => {
      const rows = random.floats(cells * width);
      const choices = (disturb: Disturb) => diverse(rows, width, tokens, disturb).chosen;
      return hasMargin(random, choices) ? rows : viewWithMargin();
    };
    const batch = makeViews(views, () => ({ before: random.floats(first * width), rows: viewWithMargin() }));
    const expected = batch.map(({ rows }) => diverse(rows, width, tokens));
    const all = joinViews(batch.flatMap(({ before, rows }) => [before, rows]));
    const projected = inputTensor(gpu(), [views * (first + cells), width], all);
    const owners = inputTensor(gpu(), [views, cells], initialOwners(cells, views), "u32");
    const arenas = { kept: gpu().arena, keptRows: gpu().arena, scratch: gpu().arena };
    const method = { method: ROW_METHODS.diverse, upload: () => {} };
    const args = { ...method, projected, owners, tokens, first, grid: undefined, ...arenas };
    let selected!: SelectedRows;
    const record = (pass: Recorder) => {
      selected = selectRows(pass, args);
    };
    await gpu().compile(record);
    gpu().submit("diverse", record);
    const rows = batch.flatMap((view, b) => [view.before, gatherCells(view.rows, expected[b]!.kept, width)]);
    expect([...(await readFloats(gpu(), selected.rows))]).toEqual([...joinViews(rows)]);
    expect([...(await readTensor(gpu(), selected.chosen))]).toEqual(expected.flatMap(({ chosen }) => chosen));
    const left = await readOwners(gpu(), selected.owners);
    expect(left.map((each) => [...each])).toEqual(expected.map(({ kept }) => kept));
  });
});
