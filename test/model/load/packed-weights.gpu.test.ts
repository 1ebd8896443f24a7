/** Packed matrices from a checkpoint to the GPU: every integer and scale, and what does not fit. */
import { describe, expect, test } from "vitest";
import type { Arena } from "../../../src/gpu/arena.ts";
import { PlanningGpu } from "../../../src/gpu/planning.ts";
import { readTensor } from "../../../src/gpu/readback.ts";
import { groupsOf, type Matrix, partsOf, tensorByteLength, typeName } from "../../../src/gpu/tensor.ts";
import { fillWeights, Weights } from "../../../src/model/load/fill.ts";
import { matchTensors } from "../../../src/model/load/match.ts";
import { groupedType, resolveWeights } from "../../../src/model/load/precision.ts";
import { stack, type TensorUse } from "../../../src/spec/tensor-spec.ts";
import type { PackedLayout } from "../../../src/weights/formats/encoding.ts";
import { dequantise } from "../../reference/packed-rows.ts";
import { unpackGrouped } from "../../reference/scale-plane.ts";
import { unpackWeights } from "../../reference/weight-pack.ts";
import { freshRandom, type Random, useGpu } from "../../support/gpu.ts";
import { randomRows } from "../../support/grouped-weights.ts";
import { packedCheckpoint, type TestTensor } from "../../support/packed-checkpoint.ts";
import { smallArena } from "../../support/small-arena.ts";

const Q4: PackedLayout = { bits: 4, group: 32, scales: "f16", bias: "none" };
const Q4_FREE: PackedLayout = { ...Q4, bias: "free" };
const Q8: PackedLayout = { bits: 8, group: 16, scales: "f32", bias: "none" };
const NESTED: PackedLayout = { ...Q4, scales: "nested", bias: "free" };
const LIMITS = { maxBufferSize: 2 ** 30 };

/** A random packed tensor, and its values. */
function packed(random: Random, name: string, rows: number, columns: number, layout: PackedLayout): TestTensor {
  return { name, shape: [rows, columns], layout, packed: randomRows(random, groupedType(layout), rows, columns) };
}

function plain(random: Random, name: string, rows: number, columns: number): TestTensor {
  return { name, shape: [rows, columns], values: random.floats(rows * columns) };
}

function valuesOf({ shape, packed, values, rowOrder }: TestTensor): Float64Array {
  const [rows, columns] = shape as [number, number];
  const own = packed ? dequantise(packed, rows, columns) : Float64Array.from(values!);
  if (!rowOrder) return own;
  const moved = new Float64Array(own.length);
  for (let row = 0; row < rows; row++) {
    const period = rowOrder.order.length;
    const to = Math.floor(row / period) * period + rowOrder.order[row % period]!;
    moved.set(own.subarray(row * columns, (row + 1) * columns), to * columns);
  }
  return moved;
}

describe("packed weights", () => {
  const { gpu: device } = useGpu();

  /** One weight of these tensors, one below the other. */
  async function load(
    tensors: TestTensor[],
    {
      use = "linear" as TensorUse,
      wanted = "auto" as "auto" | "f32" | "f16" | "q4",
      arena = device().arena as Arena,
    } = {},
  ) {
    const spec = stack(
      "w",
      use,
      [""],
      tensors.map(({ name, shape }) => [name, shape] as const),
    );
    const checkpoint = packedCheckpoint(tensors);
    const model = { family: "test", tensors: [spec], ignores: () => false };
    const matched = matchTensors(model, checkpoint.tensors);
    const storage = resolveWeights(matched, wanted, LIMITS);
    const planning = new PlanningGpu(undefined);
    const planned = planning.arena.bytes;
    new Weights(planning.arena, matched, storage);
    const before = arena.bytes;
    const weights = new Weights(arena, matched, storage);
    if (arena === device().arena) expect(arena.bytes - before).toBe(planning.arena.bytes - planned);
    const widened = await fillWeights(device(), device().arena, weights, matched.parts, checkpoint);
    const matrix = weights.matrix("w");
    return { matrix, widened, byteLength: checkpoint.byteLength, bytes: arena.bytes - before };
  }

  /** Reads a matrix back, buffer by buffer. */
  async function read(matrix: Matrix): Promise<number[]> {
    const values: number[] = [];
    for (const tensor of partsOf(matrix)) {
      const words = await readTensor(device(), tensor);
      const count = tensor.shape[0]! * tensor.shape[1]!;
      const groups = groupsOf(tensor.type);
      const own =
        tensor.type === "f32"
          ? (words as Float32Array)
          : tensor.type === "f16"
            ? unpackWeights(words as Uint32Array, count, "f16")
            : unpackGrouped(words as Uint32Array, count, groups!);
      values.push(...own);
    }
    return values;
  }

  const expectValues = async (matrix: Matrix, tensors: TestTensor[], error = 0) => {
    const expected = tensors.flatMap((tensor) => [...valuesOf(tensor)]);
    const actual = await read(matrix);
    expect(actual.length).toBe(expected.length);
    actual.forEach((value, i) => {
      if (Math.abs(value - expected[i]!) > error + 2 ** -23 * Math.abs(expected[i]!))
        expect.fail(`value ${i}: ${value}, expected ${expected[i]}`);
    });
  };
  const typesOf = (matrix: Matrix) => partsOf(matrix).map(({ type, shape }) => `${shape[0]} ${typeName(type)}`);

  test("rows of an odd number of groups, in parts of an odd number of rows", async () => {
    const random = freshRandom("packed weights");
    const tensors = [33, 1, 30, 7].map((rows, i) => packed(random, `t${i}`, rows, 96, Q4));
    const { matrix, widened } = await load(tensors);
    expect(typesOf(matrix)).toEqual(["71 q4/32 none f16"]);
    await expectValues(matrix, tensors);
    expect(widened).toEqual([]);
  });

  test.for<[string, PackedLayout]>([
    ["4 bits", Q4],
    ["4 bits with a bias", Q4_FREE],
    ["4 bits with zero points", { ...Q4, group: 128, bias: "zeros" }],
    ["8 bits", Q8],
    ["8 bits with an f32 bias", { ...Q8, bias: "free", group: 64 }],
    ["4 bits with nested scales", NESTED],
    ["5 bits with nested scales", { ...NESTED, bits: 5 }],
    ["6 bits with nested scales", { ...NESTED, bits: 6, group: 16, bias: "none" }],
  ])("in several buffers, rows in another order: %s", async ([, layout]) => {
    const random = freshRandom("packed weights");
    const order = [0, 4, 1, 5, 2, 6, 3, 7];
    const tensor = { ...packed(random, "t", 200, 256, layout), rowOrder: { order } };
    const limit = tensorByteLength({ shape: [64, 256], type: groupedType(layout) });
    const arena = smallArena(device(), limit);
    const { matrix } = await load([tensor], { arena });
    expect(partsOf(matrix).map(({ shape }) => shape[0])).toEqual([64, 64, 64, 8]);
    await expectValues(matrix, [tensor]);
    arena.dispose();
  });

  test("parts of several types lie below each other, each in its own buffer", async () => {
    const random = freshRandom("packed weights");
    const tensors = [
      packed(random, "a", 128, 64, Q4),
      packed(random, "b", 64, 64, Q4),
      packed(random, "c", 64, 64, Q8),
      plain(random, "d", 5, 64),
    ];
    const { matrix } = await load(tensors);
    expect(typesOf(matrix)).toEqual(["192 q4/32 none f16", "64 q8/16 none f32", "5 f32"]);
    await expectValues(matrix, tensors);
  });

  test("parts that no buffer may end with become plain", async () => {
    const random = freshRandom("packed weights");
    const tensors = [packed(random, "a", 32, 64, Q4), packed(random, "b", 32, 64, Q8)];
    const { matrix } = await load(tensors);
    expect(typesOf(matrix)).toEqual(["64 f32"]);
    await expectValues(matrix, tensors);
  });

  test("scales beyond f16 keep the integers, with f32 scales", async () => {
    const random = freshRandom("packed weights");
    const tensor = packed(random, "t", 70, 64, Q4_FREE);
    (tensor.packed!.scales as Float32Array)[100] = 1000;
    const { matrix, widened } = await load([tensor]);
    expect(widened).toEqual(["w"]);
    expect(typesOf(matrix)).toEqual(["70 q4/32 bias from 0 f32"]);
    await expectValues(matrix, [tensor]);
  });

  test("unpacked where f32 or f16 is asked for, and where a table is wanted", async () => {
    const random = freshRandom("packed weights");
    const tensor = { ...packed(random, "t", 40, 64, Q4_FREE), rowOrder: { order: [1, 0] } };
    const wide = await load([tensor], { wanted: "f32" });
    expect(typesOf(wide.matrix)).toEqual(["40 f32"]);
    await expectValues(wide.matrix, [tensor]);
    const half = await load([tensor], { wanted: "f16" });
    expect(typesOf(half.matrix)).toEqual(["40 f16"]);
    await expectValues(half.matrix, [tensor], 2 ** -9);
    const table = await load([tensor], { use: "table" });
    expect(typesOf(table.matrix)).toEqual(["40 f32"]);
    await expectValues(table.matrix, [tensor]);
  });

  test("an explicit type is refused unless it is what the files hold", async () => {
    const random = freshRandom("packed weights");
    const { matrix } = await load([packed(random, "t", 64, 64, Q4)], { wanted: "q4" });
    expect(typesOf(matrix)).toEqual(["64 q4/32 none f16"]);
    await expect(load([packed(random, "t", 64, 64, Q8)], { wanted: "q4" })).rejects.toMatchObject({
      code: "unsupported-model",
    });
    await expect(load([packed(random, "t", 64, 64, Q8)], { wanted: "q4" })).rejects.toThrow(/hold int8 g16.*"auto"/);
  });

  test.for([
    ["scales", Number.NaN],
    ["scales", Number.POSITIVE_INFINITY],
    ["biases", Number.NEGATIVE_INFINITY],
  ] as const)("%s that are %d are refused", async ([plane, value]) => {
    const tensor = packed(freshRandom("packed weights"), "t", 70, 64, Q4_FREE);
    (tensor.packed![plane] as Float32Array)[77] = value;
    const loading = load([tensor]);
    await expect(loading).rejects.toMatchObject({ code: "bad-weights" });
    await expect(loading).rejects.toThrow(/NaN or infinite: "t" in packed\.bin, int4 g32, has a (scale|bias) of/);
  });
});
