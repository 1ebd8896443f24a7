/** Software adapters get variants without a measurement: are they the fastest? Needs an idle machine: `npm test -- long`. */
import { expect, test } from "vitest";
import { ROW_PRODUCT_SHAPES } from "../../src/kernels/row-product.ts";
import { fastestVariants } from "../../src/kernels/tuning.ts";
import { DEVICE } from "../support/device.ts";
import { useGpu } from "../support/gpu.ts";

const { gpu } = useGpu();

test.skipIf(!DEVICE.software)("the variants of software adapters are the fastest", async () => {
  const fastest = await fastestVariants(gpu(), { rows: 32, width: 256 }, Object.keys(ROW_PRODUCT_SHAPES));
  // SwiftShader's second best took 1.4 times as long on a processor with AVX-512.
  expect(fastest.matvec).toBe(DEVICE.subgroups ? "4 in quads" : "8 alone");
  expect(fastest.matmul).toBe(DEVICE.subgroups ? "quads" : "alone");
});
