import { describe, expect, test } from "vitest";
import { seatCoordinates } from "../../src/kernels/seat-coordinates.ts";
import { seatCoordinates as reference } from "../reference/seat-coordinates.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";

describe("seat-coordinates", () => {
  const { gpu } = useGpu();

  test.for([
    { views: 1, rows: 1, cols: 1, side: 1 },
    { views: 1, rows: 3, cols: 5, side: 2 },
    { views: 2, rows: 9, cols: 8, side: 2 },
    { views: 3, rows: 2, cols: 7, side: 3 },
  ])("$views views of $rows x $cols cells of side $side", async ({ views, rows, cols, side }) => {
    const random = freshRandom("seat-coordinates");
    const cells = rows * cols;
    // Merged cells belong to any cell.
    const values = Array.from({ length: views * cells }, () => random.integer(0, cells - 1));
    const owners = inputTensor(gpu(), [views, cells], values, "u32");
    const coordinates = outputTensor(gpu(), [2, views * cells * side ** 2], "u32");
    const args = { owners, coordinates, cols, side };
    const actual = await runAndRead(gpu(), coordinates, (recorder) => seatCoordinates(recorder, args));
    const expected = reference(
      values.map((owner) => ({ cells: [owner], owner })),
      cols,
      side,
    );
    expect([...actual]).toEqual([...expected.rows, ...expected.cols]);
  });
});
