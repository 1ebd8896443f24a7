import { describe, test } from "vitest";
import { visionEmbed } from "../../src/kernels/vision-embed.ts";
import { cellOrder } from "../reference/cells.ts";
import { visionEmbed as reference } from "../reference/vision-embed.ts";
import { expectClose } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { RELATIVE_ELEMENTWISE } from "../support/tolerances.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("vision-embed", () => {
  const { gpu } = useGpu();

  test.for([
    { views: 1, rows: 1, cols: 1, cell: 1, width: 3, classToken: true },
    { views: 1, rows: 1, cols: 1, cell: 1, width: 3, classToken: false },
    { views: 1, rows: 8, cols: 8, cell: 1, width: 64, classToken: true },
    { views: 2, rows: 7, cols: 7, cell: 1, width: 65, classToken: false },
    { views: 5, rows: 4, cols: 6, cell: 2, width: 10, classToken: true },
    { views: 2, rows: 9, cols: 3, cell: 3, width: 7, classToken: false },
    { views: 1, rows: 4, cols: 12, cell: 4, width: 16, classToken: true },
  ])("$views views of $rows x $cols, cells of $cell, width $width, class token $classToken", async (shape) => {
    const { views, rows, cols, cell, width, classToken } = shape;
    const random = freshRandom("vision-embed");
    const viewRows = rows * cols + (classToken ? 1 : 0);
    const patchValues = makeViews(views, () => random.floats(rows * cols * width));
    const classValues = classToken ? random.floats(width) : undefined;
    const positionValues = random.floats(viewRows * width);
    const order = cellOrder(rows, cols, cell);
    const expected = patchValues.map((values) => reference(values, positionValues, order, classValues));
    const patchEmbeddings = inputTensor(gpu(), [views * rows * cols, width], joinViews(patchValues));
    const classEmbedding = classValues && inputTensor(gpu(), [width], classValues);
    const positions = inputTensor(gpu(), [viewRows, width], positionValues);
    const y = outputTensor(gpu(), [views * viewRows, width]);
    const actual = await runAndRead(gpu(), y, (recorder) =>
      visionEmbed(recorder, { patchEmbeddings, classEmbedding, positions, y, cols, cell }),
    );
    expectClose("sum", actual, joinViews(expected), RELATIVE_ELEMENTWISE, 1e-6);
  });
});
