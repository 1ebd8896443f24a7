import { describe, test } from "vitest";
import { visionEmbed } from "../../src/kernels/vision-embed.ts";
import { visionEmbed as reference } from "../reference/vision-embed.ts";
import { expectClose } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { RELATIVE_ELEMENTWISE } from "../support/tolerances.ts";

describe("vision-embed", () => {
  const { gpu } = useGpu();

  test.for([
    { patches: 1, width: 3, classToken: true },
    { patches: 1, width: 3, classToken: false },
    { patches: 64, width: 64, classToken: true },
    { patches: 49, width: 65, classToken: false },
  ])("$patches patches of $width, class token $classToken", async ({ patches, width, classToken }) => {
    const random = freshRandom("vision-embed");
    const rows = patches + (classToken ? 1 : 0);
    const values = {
      patches: random.floats(patches * width),
      class: classToken ? random.floats(width) : undefined,
      positions: random.floats(rows * width),
    };
    const patchEmbeddings = inputTensor(gpu(), [patches, width], values.patches);
    const classEmbedding = values.class && inputTensor(gpu(), [width], values.class);
    const positions = inputTensor(gpu(), [rows, width], values.positions);
    const y = outputTensor(gpu(), [rows, width]);
    const actual = await runAndRead(gpu(), y, (recorder) =>
      visionEmbed(recorder, { patchEmbeddings, classEmbedding, positions, y }),
    );
    const expected = reference(values.patches, values.positions, values.class);
    expectClose("sum", actual, expected, RELATIVE_ELEMENTWISE, 1e-6);
  });
});
