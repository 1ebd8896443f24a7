import { describe, expect, test } from "vitest";
import { copyRows } from "../../src/kernels/copy-rows.ts";
import { copyRows as reference } from "../reference/copy-rows.ts";
import { freshRandom, inputTensor, runAndRead, useGpu } from "../support/gpu.ts";

describe("copy-rows", () => {
  const { gpu } = useGpu();

  test.for([
    { width: 1, xRow: 0, yRow: 0, rows: 1 },
    { width: 63, xRow: 2, yRow: 5, rows: 3 },
    { width: 64, xRow: 1, yRow: 0, rows: 4 },
    { width: 200, xRow: 0, yRow: 4, rows: 5 },
    { width: 70, xRow: 1, yRow: 3, rows: 3, accumulate: true },
    { width: 70, xRow: 1, yRow: 3, rows: 3, yColumn: 5, yWidth: 77 },
  ])("$rows rows of $width from $xRow to $yRow, added: $accumulate", async ({ width, yWidth = width, ...rows }) => {
    const random = freshRandom("copy-rows");
    const from = random.floats(5 * width);
    const to = random.floats(9 * yWidth);
    const x = inputTensor(gpu(), [5, width], from);
    const y = inputTensor(gpu(), [9, yWidth], to);
    const actual = await runAndRead(gpu(), y, (recorder) => copyRows(recorder, { x, y, ...rows }));
    expect([...actual]).toEqual([...Float32Array.from(reference(from, to, width, { ...rows, yWidth }))]);
  });

  test("refuses rows beyond either matrix", () => {
    const x = inputTensor(gpu(), [2, 2], [0, 0, 0, 0]);
    const y = inputTensor(gpu(), [2, 2], [0, 0, 0, 0]);
    const copy = (xRow: number, yRow: number) => () =>
      gpu().submit("test", (pass) => copyRows(pass, { x, y, xRow, yRow, rows: 2 }));
    expect(copy(1, 0)).toThrow(/copy of 2 rows/);
    expect(copy(0, 1)).toThrow(/copy of 2 rows/);
  });
});
