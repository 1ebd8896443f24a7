import { describe, expect, test } from "vitest";
import { type GroupedType, type PackedName, typeName } from "../../src/gpu/tensor.ts";
import { linear } from "../../src/kernels/linear.ts";
import { matmul } from "../../src/kernels/matmul.ts";
import type { Activation } from "../../src/shared/activation.ts";
import { activate } from "../reference/activation.ts";
import { matmul as reference } from "../reference/matmul.ts";
import { expectClose, expectLargest, expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { FEW_GROUPED_TYPES, GROUPED_TYPES, widthUnit } from "../support/grouped-weights.ts";
import { checkLinear } from "../support/linear-case.ts";
import {
  ABSOLUTE_ACTIVATION,
  FACTOR_ACTIVATION,
  LARGEST_HALF_PRODUCT,
  LARGEST_PRODUCT,
  NMSE_HALF_PRODUCT,
  NMSE_PRODUCT,
  RELATIVE_ELEMENTWISE,
} from "../support/tolerances.ts";
import { joinViews, makeViews } from "../support/views.ts";

const TILED = { software: false };
const QUAD = { software: true };
const ALONE = { fastest: { matmul: "alone" } };
// Only where the device has halves, as the software adapter of the tests has not; see kernels/tuning.ts.
const HALF = { software: false, f16: "all", fastest: { matmul: "f16 tiles" } } as const;

describe("matmul", () => {
  const { gpu } = useGpu();

  // [M, N, K]: below, on and off the tiles of 16 and 64 rows, of 32 and 64 columns and of 16 along K; K that are no
  // multiples of 4; sizes of real layers.
  test.for([
    [1, 1, 1],
    [2, 3, 4],
    [1, 33, 20],
    [15, 31, 5],
    [16, 32, 16],
    [17, 65, 15],
    [63, 64, 17],
    [64, 129, 32],
    [65, 160, 64],
    [130, 63, 172],
    [3, 70, 301],
    [20, 24, 588],
    [33, 40, 1030],
  ])("%i rows, %i columns, width %i", async ([rows = 0, cols = 0, inner = 0]) => {
    const random = freshRandom("matmul");
    await checkLinear(gpu(), random, matmul, { rows, cols, inner }, [TILED, QUAD, ALONE]);
    const end = { bias: true, activation: "gelu", accumulate: true } as const;
    await checkLinear(gpu(), random, matmul, { rows, cols, inner, ...end }, [TILED, QUAD, ALONE]);
  });

  // With pipelines of the sizes above. The other activations are one library; it is tested value by value below.
  test.for<[boolean, Activation, boolean]>([
    [true, "none", false],
    [false, "none", true],
    [true, "none", true],
    [false, "gelu", false],
    [true, "gelu", false],
    [false, "gelu", true],
  ])("epilogue: bias %s, %s, accumulate %s", async ([bias, activation, accumulate]) => {
    const shape = { rows: 18, cols: 35, inner: 8 };
    await checkLinear(gpu(), freshRandom("matmul"), matmul, { ...shape, bias, activation, accumulate }, [
      TILED,
      QUAD,
      ALONE,
    ]);
  });

  test.for<[PackedName, number, number, number]>([
    ["f16", 2, 3, 8],
    ["f16", 17, 70, 264],
    ["q8", 2, 3, 32],
    ["q8", 65, 35, 352],
    ["q4", 2, 3, 32],
    ["q4", 65, 35, 352],
  ])("packed as %s: %i rows, %i columns, width %i", async ([type, rows, cols, inner]) => {
    const shape = { rows, cols, inner, type, bias: true, accumulate: true };
    await checkLinear(gpu(), freshRandom("matmul"), matmul, shape, [TILED, QUAD, ALONE]);
  });

  // Rows of one group and of several; more rows and columns than a tile. Tiles compile four times as long as quads.
  test.for(GROUPED_TYPES.map((type) => [typeName(type), type] as const))("in groups: %s", async ([, type]) => {
    const kinds = FEW_GROUPED_TYPES.includes(type) ? [TILED, QUAD, ALONE] : [QUAD];
    const small = { rows: 2, cols: 3, inner: widthUnit(type), type };
    const large = { rows: 65, cols: 35, inner: 3 * widthUnit(type), type, bias: true, accumulate: true };
    for (const shape of [small, large]) await checkLinear(gpu(), freshRandom("matmul"), matmul, shape, kinds);
  });

  test("one layer of a real size", async () => {
    const shape = { rows: 70, cols: 100, inner: 4096 };
    await checkLinear(gpu(), freshRandom("matmul"), matmul, { ...shape, bias: true }, [TILED, QUAD, ALONE]);
  });

  // [M, N, K]: on and off the tiles; K below, on and off four Parts.
  test.for<[number, number, number, PackedName | GroupedType | undefined]>([
    [33, 70, 192, GROUPED_TYPES[2]],
    [3, 5, 4, undefined],
    [65, 129, 100, undefined],
    [70, 100, 4096, undefined],
    [17, 70, 264, "f16"],
    [65, 35, 352, "q4"],
  ])(
    "in f16: %i rows, %i columns, width %i, packed as %s [needs shader-f16]",
    async ([rows, cols, inner, type], context) => {
      if (!gpu().device.features.has("shader-f16")) context.skip("this adapter has no f16 arithmetic");
      const shape = { rows, cols, inner, ...(type && { type }), bias: true, accumulate: true };
      const tolerances: [number, number] = [NMSE_HALF_PRODUCT, LARGEST_HALF_PRODUCT];
      await checkLinear(gpu(), freshRandom("matmul"), matmul, shape, [HALF], tolerances);
    },
  );

  // Products and sums beyond f16 of values within it, values beyond it whose products are not, and values far below 1.
  test.for<[what: string, x: (row: number) => number, weight: (col: number) => number]>([
    ["activations of 1e4", () => 1e4, () => 1],
    ["both of 300", () => 300, () => 300],
    ["a row of 1e6 among others", (row) => (row === 66 ? 1e6 : 1), () => 1e-3],
    ["a column of 2e5 among others", () => 1e-3, (col) => (col === 3 ? 2e5 : 1)],
    ["activations of 1e-3 with weights of 0.02", () => 1e-3, () => 0.02],
    ["activations of 1e-4 with weights of 0.02", () => 1e-4, () => 0.02],
  ])("in f16: %s [needs shader-f16]", async ([, xSize, weightSize], context) => {
    if (!gpu().device.features.has("shader-f16")) context.skip("this adapter has no f16 arithmetic");
    const random = freshRandom("matmul");
    const [rows, cols, inner] = [70, 66, 100];
    const x = random.floats(rows * inner).map((value, i) => value * xSize(Math.floor(i / inner)));
    const weight = random.floats(cols * inner).map((value, i) => value * weightSize(Math.floor(i / inner)));
    const expected = reference(x, weight, inner);
    const y = outputTensor(gpu(), [rows, cols]);
    const args = { x: inputTensor(gpu(), [rows, inner], x), weight: inputTensor(gpu(), [cols, inner], weight), y };
    const actual = await runAndRead(
      gpu(),
      y,
      withCapabilities(HALF, (recorder) => matmul(recorder, args)),
    );
    // Each row and column by itself, so that a large one does not hide the others.
    for (let row = 0; row < rows; row++) {
      const part = (values: ArrayLike<number>) =>
        Array.from(values)
          .slice(row * cols, (row + 1) * cols)
          .map((value, col) => value / weightSize(col));
      expectNmse(`row ${row}`, part(actual), part(expected), NMSE_HALF_PRODUCT);
    }
  });

  test("halves are for widths of fours, and where they are asked for", async () => {
    const random = freshRandom("matmul");
    await checkLinear(gpu(), random, matmul, { rows: 3, cols: 5, inner: 7 }, [HALF]);
    await checkLinear(gpu(), random, matmul, { rows: 3, cols: 5, inner: 8 }, [{ ...HALF, f16: "packed" }]);
    const exact: typeof matmul = (recorder, args) => matmul(recorder, { ...args, exact: true });
    await checkLinear(gpu(), random, exact, { rows: 3, cols: 5, inner: 8 }, [HALF]);
  });

  // [B, M, N, K]: below, on and off the tiles.
  test.for([
    [1, 3, 5, 4],
    [2, 17, 33, 20],
    [5, 65, 66, 15],
    [3, 16, 32, 300],
  ])("a batch of %i: %i rows, %i columns, width %i", async ([batch = 0, rows = 0, cols = 0, inner = 0]) => {
    const random = freshRandom("matmul");
    const xs = makeViews(batch, () => random.floats(rows * inner));
    const weights = makeViews(batch, () => random.floats(cols * inner));
    const expected = joinViews(xs.map((values, b) => reference(values, weights[b]!, inner)));
    const x = inputTensor(gpu(), [batch, rows, inner], joinViews(xs));
    const weight = inputTensor(gpu(), [batch, cols, inner], joinViews(weights));
    for (const kind of [TILED, QUAD, ALONE]) {
      const y = outputTensor(gpu(), [batch, rows, cols]);
      const record = withCapabilities(kind, (recorder) => matmul(recorder, { x, weight, y }));
      const actual = await runAndRead(gpu(), y, record);
      expectNmse("products", actual, expected, NMSE_PRODUCT);
      expectLargest("products", actual, expected, LARGEST_PRODUCT);
    }
  });

  test("more tiles than one dimension of a grid can count", async () => {
    await checkLinear(gpu(), freshRandom("matmul"), matmul, { rows: 1, cols: 65_536 * 32 + 5, inner: 1 }, [QUAD]);
  });

  test("linear picks a kernel by the number of rows", async () => {
    const random = freshRandom("linear");
    for (const rows of [1, 2])
      await checkLinear(gpu(), random, linear, { rows, cols: 9, inner: 12, bias: true, activation: "silu" }, [{}]);
  });

  test("what does not fit is refused", () => {
    const tensor = (...shape: number[]) => outputTensor(gpu(), shape);
    const args = { x: tensor(2, 3), weight: tensor(4, 3), y: tensor(2, 4) };
    const recording = (changes: object) => () => gpu().submit("test", (pass) => matmul(pass, { ...args, ...changes }));
    expect(recording({ weight: tensor(4, 2) })).toThrow("expected [4, 3]");
    expect(recording({ bias: tensor(3) })).toThrow("expected [4]");
    expect(recording({ y: tensor(2, 3) })).toThrow("expected [2, 4]");
    expect(recording({ x: tensor(2, 2, 3) })).toThrow("expected [2, 4, 3]");
    expect(recording({ x: tensor(1, 1, 2, 3) })).toThrow("matmul x is [1, 1, 2, 3]");
  });

  // Each activation on single numbers: K = 1 and a weight of 1.
  test.for<Activation>(["gelu", "gelu_tanh", "quick_gelu", "silu", "relu", "relu2"])(
    "%s, value by value",
    async (activation) => {
      const values = Float32Array.from([
        ...Array.from({ length: 4001 }, (_, i) => (i - 2000) / 200),
        ...Array.from({ length: 401 }, (_, i) => i - 200),
        ...[-1e4, -1000, 1000, 1e4, 1e-20, -1e-20],
      ]);
      const rows = values.length;
      const x = inputTensor(gpu(), [rows, 1], values);
      const weight = inputTensor(gpu(), [1, 1], [1]);
      const expected = Float64Array.from(values, (value) => activate(value, activation));
      const y = outputTensor(gpu(), [rows, 1]);
      const actual = await runAndRead(gpu(), y, (recorder) => matmul(recorder, { x, weight, y, activation }));
      expectClose(activation, actual, expected, RELATIVE_ELEMENTWISE, ABSOLUTE_ACTIVATION);
      // Near zero and above it more is asked for: an error of the factor on the value, not of the result. The factor of a
      // square is the value itself; the squares of the smallest values are 0.
      values.forEach((value, i) => {
        const error = Math.abs(actual[i]! - expected[i]!);
        const size = activation === "relu2" ? Math.max(value ** 2, 1e-30) : Math.abs(value);
        expect(error, `${activation}(${value})`).toBeLessThanOrEqual(FACTOR_ACTIVATION * size);
      });
    },
  );
});
