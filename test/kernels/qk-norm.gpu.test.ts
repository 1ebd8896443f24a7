import { describe, expect, test } from "vitest";
import { withCapabilities } from "../../src/gpu/pass.ts";
import { qkNorm } from "../../src/kernels/qk-norm.ts";
import { qkNorm as reference } from "../reference/qk-norm.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

describe("qk-norm", () => {
  const { gpu } = useGpu();

  // Heads below, on and above the workgroup's 64; grouped queries; one norm over all heads.
  test.for<[number, number, number, number, "heads" | "all"]>([
    [1, 1, 1, 2, "heads"],
    [3, 6, 2, 24, "heads"],
    [2, 4, 4, 64, "heads"],
    [2, 2, 1, 256, "heads"],
    [3, 5, 5, 18, "all"],
    [2, 6, 2, 24, "all"],
  ])("%i rows, %i heads on %i of %i, over %s", async ([rows, heads, keyHeads, headWidth, over]) => {
    const random = freshRandom("qk-norm");
    const width = (heads + 2 * keyHeads) * headWidth;
    const [queries, keys] = [heads * headWidth, keyHeads * headWidth];
    const eps = 1e-5;
    const values = random.floats(rows * width, 3);
    const [queryWeight, keyWeight] = [queries, keys].map((all) => random.floats(over === "all" ? all : headWidth));
    const expected = reference(
      values,
      { queryWeight: queryWeight!, keyWeight: keyWeight!, eps },
      { rows, queries, keys },
    );
    for (const software of [false, true]) {
      const qkv = inputTensor(gpu(), [rows, width], values);
      const args = {
        qkv,
        queryWeight: inputTensor(gpu(), [queryWeight!.length], queryWeight!),
        keyWeight: inputTensor(gpu(), [keyWeight!.length], keyWeight!),
        ...{ eps, heads, keyHeads, headWidth },
      };
      const y = await runAndRead(gpu(), qkv, (recorder) => qkNorm(withCapabilities(recorder, { software }), args));
      expectNmse(`software ${software}`, y, expected, NMSE_PRODUCT);
    }
  });

  test("weights of another width are refused", () => {
    const tensor = (...shape: number[]) => outputTensor(gpu(), shape);
    const args = { qkv: tensor(2, 32), heads: 2, keyHeads: 1, headWidth: 8, eps: 1e-5 };
    const run = () =>
      gpu().submit("test", (pass) => qkNorm(pass, { ...args, queryWeight: tensor(8), keyWeight: tensor(16) }));
    expect(run).toThrow("weights of 8 and 16");
  });
});
