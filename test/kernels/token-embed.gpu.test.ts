import { describe, expect, test } from "vitest";
import { type PackedName, typeName } from "../../src/gpu/tensor.ts";
import { NO_TOKEN, tokenEmbed } from "../../src/kernels/token-embed.ts";
import { tokenEmbed as reference } from "../reference/token-embed.ts";
import { expectClose, expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { GROUPED_TYPES, groupedWeights, widthUnit } from "../support/grouped-weights.ts";
import { packedWeights } from "../support/linear-case.ts";
import { NMSE_PRODUCT, RELATIVE_ELEMENTWISE } from "../support/tolerances.ts";

describe("token-embed", () => {
  const { gpu } = useGpu();

  test.for([
    [1, 1],
    [5, 13],
    [7, 64],
    [3, 129],
  ])("%i ids, width %i", async ([rows = 0, width = 0]) => {
    const random = freshRandom("token-embed");
    const vocabulary = 37;
    const values = random.floats(vocabulary * width);
    const idValues = Array.from({ length: rows }, () => random.integer(0, vocabulary - 1));
    const ids = inputTensor(gpu(), [rows], idValues, "u32");
    const weight = inputTensor(gpu(), [vocabulary, width], values);
    const y = outputTensor(gpu(), [rows, width]);
    const actual = await runAndRead(gpu(), y, (recorder) => tokenEmbed(recorder, { ids, weight, y }));
    expect([...actual]).toEqual([...reference(idValues, values, width)]);
  });

  test.for<PackedName>(["f16", "q8", "q4"])("packed as %s", async (type) => {
    const [vocabulary, width] = [9, 96];
    const random = freshRandom("token-embed");
    const table = await packedWeights(gpu(), [vocabulary, width], random.floats(vocabulary * width), type);
    const idValues = [4, 0, 8, 5];
    const ids = inputTensor(gpu(), [4], idValues, "u32");
    const y = outputTensor(gpu(), [4, width]);
    const actual = await runAndRead(gpu(), y, (recorder) => tokenEmbed(recorder, { ids, weight: table.tensor, y }));
    const expected = reference(idValues, Float32Array.from(table.values), width);
    expectClose(type, actual, expected, RELATIVE_ELEMENTWISE);
  });

  test.for(GROUPED_TYPES.map((type) => [typeName(type), type] as const))("in groups: %s", async ([, type]) => {
    const [vocabulary, width] = [9, 3 * widthUnit(type)];
    const table = groupedWeights(gpu(), freshRandom("token-embed"), type, [vocabulary, width]);
    const idValues = [4, 0, 8, 5];
    const ids = inputTensor(gpu(), [4], idValues, "u32");
    const y = outputTensor(gpu(), [4, width]);
    const actual = await runAndRead(gpu(), y, (recorder) => tokenEmbed(recorder, { ids, weight: table.tensor, y }));
    const expected = reference(idValues, Float32Array.from(table.values), width);
    expectNmse(typeName(type), actual, expected, NMSE_PRODUCT);
  });

  test("embeddings times a factor", async () => {
    const ids = inputTensor(gpu(), [2], [1, 0], "u32");
    const weight = inputTensor(gpu(), [2, 2], [1, 2, 3, 4]);
    const y = outputTensor(gpu(), [2, 2]);
    const actual = await runAndRead(gpu(), y, (recorder) => tokenEmbed(recorder, { ids, weight, y, factor: 2.5 }));
    expect([...actual]).toEqual([7.5, 10, 2.5, 5]);
  });

  test("rows without a token are left as they are", async () => {
    const ids = inputTensor(gpu(), [3], [1, NO_TOKEN, 0], "u32");
    const weight = inputTensor(gpu(), [2, 2], [1, 2, 3, 4]);
    const y = inputTensor(gpu(), [3, 2], [7, 7, 7, 7, 7, 7]);
    const actual = await runAndRead(gpu(), y, (recorder) => tokenEmbed(recorder, { ids, weight, y }));
    expect([...actual]).toEqual([3, 4, 7, 7, 1, 2]);
  });

  test("more elements than one grid dimension holds", async () => {
    const rows = 70_000;
    const width = 61;
    const ids = inputTensor(gpu(), [rows], new Uint32Array(rows).fill(1), "u32");
    const weight = inputTensor(gpu(), [2, width], new Float32Array(2 * width).fill(1, width));
    const y = outputTensor(gpu(), [rows, width]);
    const actual = await runAndRead(gpu(), y, (recorder) => tokenEmbed(recorder, { ids, weight, y }));
    expect(actual.every((value) => value === 1)).toBe(true);
  });
});
