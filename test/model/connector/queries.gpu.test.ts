/** Learned queries against the reference: views at once, positions of cells that compression left, and a question. */
import { describe, test } from "vitest";
import { Queries } from "../../../src/model/connector/queries.ts";
import { Weights } from "../../../src/model/load/fill.ts";
import { elementCount } from "../../../src/shared/shape.ts";
import type { QueriesSpec } from "../../../src/spec/query-spec.ts";
import type { TensorSpec } from "../../../src/spec/tensor-spec.ts";
import { type ReferenceStep, readByQueries } from "../../reference/model/queries.ts";
import { expectNmse } from "../../support/compare.ts";
import { freshRandom, inputTensor, runAndRead, useGpu } from "../../support/gpu.ts";
import { NMSE_MODEL } from "../../support/tolerances.ts";

const [COUNT, WIDTH, INNER] = [3, 12, 20];
const GRID = { rows: 3, cols: 4 };
const CELLS = 5;

const POSITIONS = { queries: "c.queryPlaces", features: "c.featurePlaces" };
/** Pre-norm steps over queries and features with positions, then a plain read that replaces the queries. */
const RESAMPLER: ReferenceStep[] = [
  { op: "norm", slot: "c.norm", eps: 1e-5 },
  { op: "attend", slot: "c.both", heads: 3, reads: "both", featureNormEps: 1e-5, positions: POSITIONS },
  { op: "mlp", slot: "c.mlp", width: INNER, activation: "silu", gated: true, normEps: 1e-5, innerNormEps: 1e-6 },
  { op: "attend", slot: "c.read", heads: 2, reads: "features", normEps: 1e-6, positions: POSITIONS, replaces: true },
];
/** Post-norm steps over queries and a question. */
const WITH_TEXT: ReferenceStep[] = [
  { op: "norm", slot: "c.norm", eps: 1e-5 },
  { op: "attend", slot: "c.self", heads: 3, reads: "rows" },
  { op: "norm", slot: "c.selfNorm", eps: 1e-5 },
  { op: "attend", slot: "c.cross", heads: 3, reads: "features", rows: "queries" },
  { op: "mlp", slot: "c.mlp", width: INNER, activation: "gelu", rows: "queries" },
  { op: "mlp", slot: "c.textMlp", width: INNER, activation: "gelu", rows: "text" },
  { op: "norm", slot: "c.textNorm", eps: 1e-5, rows: "text" },
  { op: "attend", slot: "c.again", heads: 3, reads: "rows" },
];
const TEXT = { vocabularySize: 9, maxTokens: 6 };

/** Shapes of all tensors of the steps. */
function shapesOf(steps: readonly ReferenceStep[]): [string, number[]][] {
  const norm = (name: string, width = WIDTH) =>
    ["weight", "bias"].map((part): [string, number[]] => [`${name}.${part}`, [width]]);
  const product = (name: string, rows: number, cols = WIDTH): [string, number[]][] => [
    [`${name}.weight`, [rows, cols]],
    [`${name}.bias`, [rows]],
  ];
  return steps.flatMap((step): [string, number[]][] => {
    const { slot } = step;
    if (step.op === "norm") return norm(slot);
    if (step.op === "attend")
      return [
        ...["query", "key", "value", "out"].flatMap((name) => product(`${slot}.${name}`, WIDTH)),
        ...norm(`${slot}.norm`),
        ...norm(`${slot}.featureNorm`),
      ];
    return [
      ...(step.gated ? product(`${slot}.gateUp`, 2 * INNER) : product(`${slot}.up`, INNER)),
      ...product(`${slot}.down`, WIDTH, INNER),
      ...norm(`${slot}.norm`),
      ...norm(`${slot}.innerNorm`, INNER),
    ];
  });
}

const { gpu } = useGpu();

interface Case {
  steps: ReferenceStep[];
  views: number;
  first: number;
  ids?: number[];
}

/** Rows of the engine and of the reference, [views * Q, C]. */
async function rowsOf({ steps, views, first, ids }: Case) {
  const random = freshRandom("queries");
  const cells = GRID.rows * GRID.cols;
  const shapes: [string, number[]][] = [
    ...shapesOf(steps),
    ["c.queries", [COUNT, WIDTH]],
    ["c.queryPlaces", [COUNT, WIDTH]],
    ["c.featurePlaces", [first + cells, WIDTH]],
    ["c.words", [TEXT.vocabularySize, WIDTH]],
    ["c.places", [TEXT.maxTokens, WIDTH]],
  ];
  const values = new Map(shapes.map(([name, shape]) => [name, random.floats(elementCount(shape))]));
  const tensors = shapes.map(([name, shape]): TensorSpec => ({ name, shape, use: "table", parts: [] }));
  const arena = gpu().arena.scope();
  const weights = new Weights(arena, { tensors, aliases: new Map() });
  for (const [name, data] of values) gpu().upload(weights.get(name), data);
  const each = first + CELLS;
  const features = random.floats(views * each * WIDTH);
  // Each view has other cells left, not in order.
  const left = Array.from({ length: views }, (_, view) => [7, 0, 11, 3, 5].map((cell) => (cell + view) % cells));
  const owners = inputTensor(gpu(), [views, CELLS], Uint32Array.from(left.flat()), "u32");
  const spec: QueriesSpec = { slot: "c", count: COUNT, width: WIDTH, steps, ...(ids && { text: TEXT }) };
  const x = inputTensor(gpu(), [views * each, WIDTH], features);
  const queries = new Queries(gpu(), weights, spec);
  const out = arena.tensor("result", [views * COUNT, WIDTH]);
  const { copyRows } = await import("../../../src/kernels/copy-rows.ts");
  const actual = await runAndRead(gpu(), out, (recorder) => {
    const y = queries.record(recorder, x, { count: views, grid: GRID, first, owners, text: ids }, arena);
    copyRows(recorder, { x: y, y: out, xRow: 0, yRow: 0, rows: views * COUNT });
  });
  arena.dispose();
  const row = (index: number) => Array.from(features.subarray(index * WIDTH, (index + 1) * WIDTH));
  const expected = left.flatMap((own, view) => {
    const places = [...Array.from({ length: first }, (_, i) => i), ...own.map((cell) => first + cell)];
    const rows = Array.from({ length: each }, (_, i) => row(view * each + i));
    return readByQueries(
      { slot: "c", count: COUNT, width: WIDTH, steps },
      { features: rows, places, ids: ids ?? [] },
      (name) => values.get(name),
    ).flat();
  });
  return { actual, expected };
}

describe("learned queries", () => {
  test.for<[string, Case]>([
    ["a view with a class token", { steps: RESAMPLER, views: 1, first: 1 }],
    ["two views", { steps: RESAMPLER, views: 2, first: 0 }],
    ["three views with class tokens", { steps: RESAMPLER, views: 3, first: 1 }],
    ["without a question", { steps: WITH_TEXT, views: 1, first: 1 }],
    ["with a question", { steps: WITH_TEXT, views: 1, first: 1, ids: [3, 8, 0, 3] }],
  ])("%s", async ([name, one]) => {
    const { actual, expected } = await rowsOf(one);
    expectNmse(name, actual as Float32Array, expected, NMSE_MODEL);
  });
});
