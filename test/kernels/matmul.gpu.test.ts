import { describe, test } from "vitest";
import { linear } from "../../src/kernels/linear.ts";
import { matmul } from "../../src/kernels/matmul.ts";
import { matmul as reference } from "../reference/matmul.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("matmul", () => {
  const { gpu } = useGpu();
  test.for([
    [1, 1, 1],
    [2, 3, 5],
    [65, 160, 64],
  ])("[%i, K] x [%i, K], K = %i", async ([rows = 0, cols = 0, inner = 0]) => {
    const random = freshRandom("matmul");
    const values = { x: random.floats(rows * inner), weight: random.floats(cols * inner), bias: random.floats(cols) };
    const x = inputTensor(gpu(), [rows, inner], values.x);
    const weight = inputTensor(gpu(), [cols, inner], values.weight);
    const bias = inputTensor(gpu(), [cols], values.bias);
    const expected = reference(values.x, values.weight, inner, { bias: values.bias, activation: "gelu" });
    for (const product of [matmul, linear]) {
      const y = outputTensor(gpu(), [rows, cols]);
      const found = await runAndRead(gpu(), y, (recorder) =>
        product(recorder, { x, weight, bias, y, activation: "gelu" }),
      );
      expectNmse(product.name, found as Float32Array, expected, NMSE_PRODUCT);
    }
  });
});
