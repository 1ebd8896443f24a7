import { describe, expect, test } from "vitest";
import { NO_TOKEN, tokenEmbed } from "../../src/kernels/token-embed.ts";
import { tokenEmbed as reference } from "../reference/token-embed.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";

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
    const table = inputTensor(gpu(), [vocabulary, width], values);
    const y = outputTensor(gpu(), [rows, width]);
    const actual = await runAndRead(gpu(), y, (recorder) => tokenEmbed(recorder, { ids, table, y }));
    expect([...actual]).toEqual([...reference(idValues, values, width)]);
  });

  test("rows without a token are left as they are", async () => {
    const ids = inputTensor(gpu(), [3], [1, NO_TOKEN, 0], "u32");
    const table = inputTensor(gpu(), [2, 2], [1, 2, 3, 4]);
    const y = inputTensor(gpu(), [3, 2], [7, 7, 7, 7, 7, 7]);
    const actual = await runAndRead(gpu(), y, (recorder) => tokenEmbed(recorder, { ids, table, y }));
    expect([...actual]).toEqual([3, 4, 7, 7, 1, 2]);
  });

  test("more elements than one grid dimension holds", async () => {
    const rows = 70_000;
    const width = 61;
    const ids = inputTensor(gpu(), [rows], new Uint32Array(rows).fill(1), "u32");
    const table = inputTensor(gpu(), [2, width], new Float32Array(2 * width).fill(1, width));
    const y = outputTensor(gpu(), [rows, width]);
    const actual = await runAndRead(gpu(), y, (recorder) => tokenEmbed(recorder, { ids, table, y }));
    expect(actual.every((value) => value === 1)).toBe(true);
  });
});
