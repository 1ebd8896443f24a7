import { describe, expect, test } from "vitest";
import { type PackedName, typeName } from "../../src/gpu/tensor.ts";
import { gatedMatvec, matvec } from "../../src/kernels/matvec.ts";
import { ROW_PRODUCT_SHAPES } from "../../src/kernels/row-product.ts";
import type { Activation } from "../../src/shared/activation.ts";
import { gate } from "../reference/gate.ts";
import { matvec as reference } from "../reference/matvec.ts";
import { rmsNorm } from "../reference/rms-norm.ts";
import { expectLargest, expectNmse } from "../support/compare.ts";
import { DEVICE_KINDS, freshRandom, outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { FEW_GROUPED_TYPES, GROUPED_TYPES, groupedWeights, widthUnit } from "../support/grouped-weights.ts";
import { checkLinear, packedWeights, readSurrounded, surroundedTensor } from "../support/linear-case.ts";
import { LARGEST_PRODUCT, NMSE_PRODUCT } from "../support/tolerances.ts";

describe("matvec", () => {
  const { gpu } = useGpu();

  // [N, K]: below, on and off the 8 outputs of a workgroup and its 64 invocations of 4 values; K that are no multiples
  // of 4; sizes of real layers.
  test.for([
    [1, 1],
    [3, 4],
    [8, 63],
    [9, 64],
    [7, 172],
    [33, 256],
    [34, 260],
    [20, 301],
    [64, 588],
    [300, 4096],
  ])("%i outputs, width %i", async ([cols = 0, inner = 0]) => {
    const random = freshRandom("matvec");
    await checkLinear(gpu(), random, matvec, { rows: 1, cols, inner }, DEVICE_KINDS);
    const end = { bias: true, activation: "gelu", accumulate: true } as const;
    await checkLinear(gpu(), random, matvec, { rows: 1, cols, inner, ...end }, DEVICE_KINDS);
  });

  test("in every shape that a measurement may choose", async () => {
    const variants = Object.keys(ROW_PRODUCT_SHAPES).map((matvec) => ({ software: false, fastest: { matvec } }));
    const shape = { rows: 1, cols: 133, inner: 260, bias: true, accumulate: true };
    await checkLinear(gpu(), freshRandom("matvec"), matvec, shape, variants);
  });

  test.for<[boolean, Activation, boolean]>([
    [true, "none", false],
    [false, "none", true],
    [false, "gelu_tanh", false],
    [true, "quick_gelu", false],
    [false, "silu", true],
  ])("epilogue: bias %s, %s, accumulate %s", async ([bias, activation, accumulate]) => {
    const shape = { rows: 1, cols: 21, inner: 40 };
    await checkLinear(gpu(), freshRandom("matvec"), matvec, { ...shape, bias, activation, accumulate }, DEVICE_KINDS);
  });

  // [N, K]: one chunk and many, odd and even numbers of groups, the widths of real layers.
  test.for<[PackedName, number, number]>([
    ["f16", 3, 8],
    ["f16", 21, 264],
    ["q8", 3, 32],
    ["q8", 21, 352],
    ["q4", 3, 32],
    ["q4", 21, 352],
    ["q4", 100, 4096],
  ])("packed as %s: %i outputs, width %i", async ([type, cols, inner]) => {
    const shape = { rows: 1, cols, inner, type, bias: true, accumulate: true, factor: 0.25 };
    await checkLinear(gpu(), freshRandom("matvec"), matvec, shape, DEVICE_KINDS);
  });

  // Widths of one group, of an odd number of groups, and of groups that a chunk does not divide.
  test.for(GROUPED_TYPES.map((type) => [typeName(type), type] as const))("in groups: %s", async ([, type]) => {
    const kinds = FEW_GROUPED_TYPES.includes(type) ? DEVICE_KINDS : DEVICE_KINDS.slice(-1);
    for (const inner of [widthUnit(type), 5 * widthUnit(type), 256 + widthUnit(type)]) {
      const shape = { rows: 1, cols: 21, inner, type, bias: true, accumulate: true, factor: 0.25 };
      await checkLinear(gpu(), freshRandom("matvec"), matvec, shape, kinds);
    }
  });

  test.for(FEW_GROUPED_TYPES.map((type) => [typeName(type), type] as const))(
    "gated, in groups: %s",
    async ([, type]) => {
      const [cols, inner] = [37, 3 * widthUnit(type)];
      const random = freshRandom("matvec");
      const row = random.floats(inner, 2 / Math.sqrt(inner));
      const { tensor, values } = groupedWeights(gpu(), random, type, [2 * cols, inner]);
      const products = reference(row, values);
      const expected = gate(products.subarray(0, cols), products.subarray(cols));
      const x = surroundedTensor(gpu(), [1, inner], row);
      for (const changes of DEVICE_KINDS) {
        const y = outputTensor(gpu(), [1, cols]);
        const record = withCapabilities(changes, (recorder) =>
          gatedMatvec(recorder, { x, weight: tensor, y, activation: "silu" }),
        );
        expectNmse(`gated ${typeName(type)}`, await runAndRead(gpu(), y, record), expected, NMSE_PRODUCT);
      }
    },
  );

  test.for<PackedName>(["f16", "q8", "q4"])("gated, packed as %s", async (type) => {
    const [cols, inner] = [37, 96];
    const random = freshRandom("matvec");
    const row = random.floats(inner, 2 / Math.sqrt(inner));
    const { tensor, values } = await packedWeights(gpu(), [2 * cols, inner], random.floats(2 * cols * inner), type);
    const products = reference(row, values);
    const expected = gate(products.subarray(0, cols), products.subarray(cols));
    const x = surroundedTensor(gpu(), [1, inner], row);
    for (const changes of DEVICE_KINDS) {
      const y = outputTensor(gpu(), [1, cols]);
      const record = withCapabilities(changes, (recorder) =>
        gatedMatvec(recorder, { x, weight: tensor, y, activation: "silu" }),
      );
      expectNmse(`gated ${type}`, await runAndRead(gpu(), y, record), expected, NMSE_PRODUCT);
    }
  });

  test("more workgroups than one dimension of a grid can count", async () => {
    const shape = { rows: 1, cols: 65_536 * 8 + 5, inner: 4 };
    await checkLinear(gpu(), freshRandom("matvec"), matvec, shape, [{}]);
  });

  // [F, K]: below, on and off the 4 outputs of a workgroup.
  test.for([
    [1, 1],
    [4, 64],
    [5, 172],
    [86, 301],
    [172, 288],
  ])("gated: %i outputs, width %i", async ([cols = 0, inner = 0]) => {
    const random = freshRandom("matvec");
    const row = random.floats(inner, 2 / Math.sqrt(inner));
    const rows = random.floats(2 * cols * inner);
    const products = reference(row, rows);
    const expected = gate(products.subarray(0, cols), products.subarray(cols), "gelu_tanh");
    const x = surroundedTensor(gpu(), [1, inner], row);
    const weight = surroundedTensor(gpu(), [2 * cols, inner], rows);
    for (const changes of DEVICE_KINDS) {
      const y = surroundedTensor(gpu(), [1, cols], new Float32Array(cols).fill(Number.NaN));
      await runAndRead(
        gpu(),
        y,
        withCapabilities(changes, (recorder) => gatedMatvec(recorder, { x, weight, y, activation: "gelu_tanh" })),
      );
      const actual = await readSurrounded(gpu(), y);
      expectNmse(JSON.stringify(changes), actual, expected, NMSE_PRODUCT);
      expectLargest(JSON.stringify(changes), actual, expected, LARGEST_PRODUCT);
    }
  });

  // [N, K]: widths below, on and off a team's share; large values, whose squares the norm divides out.
  test.for([
    [1, 1, 1],
    [9, 40, 1],
    [70, 301, 1],
    [33, 512, 1000],
  ])("normed: %i outputs, width %i", async ([cols = 0, inner = 0, scale = 1]) => {
    const random = freshRandom("matvec");
    const row = random.floats(inner, scale);
    const weights = {
      norm: random.floats(inner),
      rows: random.floats(2 * cols * inner),
      bias: random.floats(2 * cols),
    };
    const eps = 1e-5;
    const products = reference(rmsNorm(row, weights.norm, eps), weights.rows, { bias: weights.bias });
    const plain = reference(rmsNorm(row, weights.norm, eps), weights.rows);
    const gated = gate(plain.subarray(0, cols), plain.subarray(cols));
    const x = surroundedTensor(gpu(), [1, inner], row);
    const norm = { weight: surroundedTensor(gpu(), [inner], weights.norm), eps };
    const weight = surroundedTensor(gpu(), [2 * cols, inner], weights.rows);
    const bias = surroundedTensor(gpu(), [2 * cols], weights.bias);
    for (const changes of DEVICE_KINDS) {
      const y = outputTensor(gpu(), [1, 2 * cols]);
      const record = withCapabilities(changes, (recorder) => matvec(recorder, { x, norm, weight, bias, y }));
      expectNmse(`normed ${JSON.stringify(changes)}`, await runAndRead(gpu(), y, record), products, NMSE_PRODUCT);
      const half = outputTensor(gpu(), [1, cols]);
      const recordGated = withCapabilities(changes, (recorder) =>
        gatedMatvec(recorder, { x, norm, weight, y: half, activation: "silu" }),
      );
      expectNmse(`gated ${JSON.stringify(changes)}`, await runAndRead(gpu(), half, recordGated), gated, NMSE_PRODUCT);
    }
  });

  test("what does not fit is refused", () => {
    const tensor = (...shape: number[]) => outputTensor(gpu(), shape);
    const args = { x: tensor(1, 3), weight: tensor(4, 3), y: tensor(1, 4) };
    const recording = (changes: object) => () => gpu().submit("test", (pass) => matvec(pass, { ...args, ...changes }));
    expect(recording({ x: tensor(2, 3) })).toThrow("expected [1, 3]");
    expect(recording({ bias: tensor(3) })).toThrow("expected [4]");
    expect(recording({ y: tensor(1, 3) })).toThrow("expected [1, 4]");
    const gated = { ...args, y: tensor(1, 4), activation: "silu" as const };
    expect(() => gpu().submit("test", (pass) => gatedMatvec(pass, gated))).toThrow("expected [1, 2]");
  });
});
