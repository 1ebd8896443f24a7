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
  test.for<[number, number, number, number, "heads" | "all", "RMS" | "layer"]>([
    [1, 1, 1, 2, "heads", "RMS"],
    [3, 6, 2, 24, "heads", "RMS"],
    [2, 4, 4, 64, "heads", "RMS"],
    [2, 2, 1, 256, "heads", "RMS"],
    [3, 5, 5, 18, "all", "RMS"],
    [2, 6, 2, 24, "all", "RMS"],
    [3, 6, 2, 12, "heads", "layer"],
    [2, 2, 2, 256, "heads", "layer"],
    [2, 5, 5, 18, "all", "layer"],
  ])("%i rows, %i heads on %i of %i, over %s, %s norms", async ([rows, heads, keyHeads, headWidth, over, kind]) => {
    const random = freshRandom("qk-norm");
    const width = (heads + 2 * keyHeads) * headWidth;
    const [queries, keys] = [heads * headWidth, keyHeads * headWidth];
    const eps = 1e-5;
    const values = random.floats(rows * width, 3);
    const [queryWeight, keyWeight] = [queries, keys].map((all) => random.floats(over === "all" ? all : headWidth));
    const [queryBias, keyBias] = [queryWeight!, keyWeight!].map(({ length }) => random.floats(length));
    const biases = kind === "layer" ? { queryBias: queryBias!, keyBias: keyBias! } : {};
    const expected = reference(
      values,
      { queryWeight: queryWeight!, keyWeight: keyWeight!, ...biases, eps },
      { rows, queries, keys },
    );
    for (const software of [false, true]) {
      const qkv = inputTensor(gpu(), [rows, width], values);
      const args = {
        qkv,
        queryWeight: inputTensor(gpu(), [queryWeight!.length], queryWeight!),
        keyWeight: inputTensor(gpu(), [keyWeight!.length], keyWeight!),
        ...Object.fromEntries(
          Object.entries(biases).map(([name, bias]) => [name, inputTensor(gpu(), [bias.length], bias)]),
        ),
        ...{ eps, heads, keyHeads, headWidth },
      };
      const y = await runAndRead(gpu(), qkv, (recorder) => qkNorm(withCapabilities(recorder, { software }), args));
      expectNmse(`software ${software}`, y, expected, NMSE_PRODUCT);
    }
  });

  test("what lies between the queries stays", async () => {
    const [rows, heads, keyHeads, headWidth, eps] = [3, 3, 2, 20, 1e-5];
    const random = freshRandom("qk-norm");
    const values = random.floats(rows * (2 * heads + 2 * keyHeads) * headWidth);
    const [queryWeight, keyWeight] = [random.floats(headWidth), random.floats(headWidth)];
    // As one row a head: with every second one of the queries the norm's input is its output.
    const head = (t: number, slot: number) => (t * (2 * heads + 2 * keyHeads) + slot) * headWidth;
    const expected = Float64Array.from(values);
    for (let t = 0; t < rows; t++)
      for (let slot = 0; slot < 2 * heads + keyHeads; slot++) {
        if (slot < 2 * heads && slot % 2 === 1) continue;
        const weight = slot < 2 * heads ? queryWeight : keyWeight;
        const x = values.subarray(head(t, slot), head(t, slot + 1));
        const sizes = { rows: 1, queries: headWidth, keys: 0 };
        expected.set(reference(x, { queryWeight: weight, keyWeight: weight, eps }, sizes), head(t, slot));
      }
    const qkv = inputTensor(gpu(), [rows, values.length / rows], values);
    const args = {
      qkv,
      queryPitch: 2,
      queryWeight: inputTensor(gpu(), [headWidth], queryWeight),
      keyWeight: inputTensor(gpu(), [headWidth], keyWeight),
      ...{ eps, heads, keyHeads, headWidth },
    };
    expectNmse("y", await runAndRead(gpu(), qkv, (pass) => qkNorm(pass, args)), expected, NMSE_PRODUCT);
  });

  test("weights of another width are refused", () => {
    const tensor = (...shape: number[]) => outputTensor(gpu(), shape);
    const args = { qkv: tensor(2, 32), heads: 2, keyHeads: 1, headWidth: 8, eps: 1e-5 };
    const run = () =>
      gpu().submit("test", (pass) => qkNorm(pass, { ...args, queryWeight: tensor(8), keyWeight: tensor(16) }));
    expect(run).toThrow("weights of 8 and 16");
  });
});
