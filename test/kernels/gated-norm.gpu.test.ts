import { describe, expect, test } from "vitest";
import { withCapabilities } from "../../src/gpu/pass.ts";
import { gatedNorm } from "../../src/kernels/gated-norm.ts";
import { gatedNorm as reference } from "../reference/gated-norm.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("gated-norm", () => {
  const { gpu } = useGpu();

  // [T, H, D, channels before the gate, after it]: below, on and above the workgroup's 64.
  test.for([
    [1, 1, 1, 0, 0],
    [3, 4, 16, 7, 2],
    [2, 3, 64, 0, 5],
    [5, 2, 100, 3, 0],
    [2, 2, 256, 64, 0],
  ])("%i rows of %i heads of %i, gate at %i", async ([rows = 0, heads = 0, width = 0, offset = 0, after = 0]) => {
    const random = freshRandom("gated-norm");
    const all = heads * width;
    const stride = offset + all + after;
    const [values, weights] = [random.floats(rows * all, 3), random.floats(width)];
    const gates = random.floats(rows * stride, 4);
    const own = Float32Array.from(
      { length: rows * all },
      (_, i) => gates[Math.floor(i / all) * stride + offset + (i % all)]!,
    );
    const expected = reference(values, own, weights, 1e-6);
    for (const software of [false, true]) {
      const x = inputTensor(gpu(), [rows, all], values);
      const weight = inputTensor(gpu(), [width], weights);
      const gate = inputTensor(gpu(), [rows, stride], gates);
      const args = { x, weight, gate, offset, eps: 1e-6 };
      const found = await runAndRead(gpu(), x, (pass) => gatedNorm(withCapabilities(pass, { software }), args));
      expectNmse(`software ${software}`, found, expected, NMSE_PRODUCT);
    }
  });

  test("a gate that does not fit in its rows is refused", () => {
    const tensor = (...shape: number[]) => outputTensor(gpu(), shape);
    const args = { x: tensor(2, 8), weight: tensor(4), gate: tensor(2, 9), offset: 2, eps: 1e-6 };
    expect(() => gpu().submit("test", (pass) => gatedNorm(pass, args))).toThrow("8 channels by 4, 2 of 9");
  });
});
