import { describe, expect, test } from "vitest";
import { matmulVariants } from "../../src/kernels/matmul.ts";
import { ROW_PRODUCT_SHAPES } from "../../src/kernels/row-product.ts";
import { f16IsCorrect, fastestVariants, isProduct } from "../../src/kernels/tuning.ts";
import { matmul as reference } from "../reference/matmul.ts";
import { freshRandom, useGpu } from "../support/gpu.ts";

describe("tuning", () => {
  const { gpu } = useGpu();

  test("halves count as right only on a device that has them", async () => {
    const bytes = gpu().arena.bytes;
    expect(await f16IsCorrect(gpu())).toBe(gpu().device.features.has("shader-f16"));
    expect(gpu().arena.bytes).toBe(bytes);
  });

  test("the wrong results of drivers are told from rounding", () => {
    const [rows, cols, inner] = [70, 130, 100];
    const random = freshRandom("tuning");
    const [x, weight] = [random.floats(rows * inner, 0.5), random.floats(cols * inner, 0.5)];
    const product = Float32Array.from(reference(x, weight, inner));
    const isRight = (y: Float32Array) => isProduct(y, x, weight, inner);
    const changed = (change: (y: Float32Array) => void) => {
      const y = product.slice();
      change(y);
      return y;
    };
    expect(isRight(product)).toBe(true);
    expect(isRight(product.map((value) => value * (1 + 2 ** -11)))).toBe(true);
    expect(isRight(product.map(() => 0)), "all zeros").toBe(false);
    expect(isRight(changed((y) => y.fill(0, 64 * cols))), "zeros behind the first tile").toBe(false);
    expect(isRight(changed((y) => y.fill(Number.NaN, 5, 6))), "a NaN").toBe(false);
    for (const far of [-1, 1])
      expect(isRight(changed((y) => y.fill(far * 1e6, 5, 6))), "a number that is far off").toBe(false);
    expect(isRight(changed((y) => y.copyWithin(0, cols, 2 * cols))), "a row in the wrong place").toBe(false);
  });

  test("chooses among the variants that the device runs, and frees its memory", async () => {
    const bytes = gpu().arena.bytes;
    const shapes = Object.keys(ROW_PRODUCT_SHAPES);
    const fastest = await fastestVariants(gpu(), { rows: 32, width: 256 }, shapes);
    expect(shapes).toContain(fastest.matvec);
    expect(matmulVariants(gpu().capabilities)).toContain(fastest.matmul);
    expect(gpu().arena.bytes).toBe(bytes);
  });
});
