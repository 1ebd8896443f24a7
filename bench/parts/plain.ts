/**
 * Yardsticks: a plain copy and plain matrix products in WGSL, as one would write them first. What the engine's kernels
 * reach is told as a fraction of what these reach in the same run.
 */
import { Kernel } from "../../src/gpu/kernel.ts";
import type { Recorder } from "../../src/gpu/pass.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { ceilDiv } from "../../src/shared/assert.ts";
import { elementCount } from "../../src/shared/shape.ts";
import copyShader from "./plain-copy.wgsl?raw";
import productShader from "./plain-product.wgsl?raw";
import tiledShader from "./plain-product-tiled.wgsl?raw";

const copyKernel = new Kernel({
  name: "plain-copy",
  shader: copyShader,
  bindings: { x: "read", y: "write" },
  params: { parts: "u32" },
});
const products = {
  bindings: { x: "read", weight: "read", y: "write" },
  params: { rows: "u32", cols: "u32", inner: "u32" },
} as const;
const registers = new Kernel({ name: "plain-product", shader: productShader, ...products });
const tiled = new Kernel({ name: "plain-product-tiled", shader: tiledShader, ...products });

/** y = x; of as many f32, a multiple of 4. */
export function plainCopy(recorder: Recorder, x: Tensor, y: Tensor): void {
  const parts = elementCount(x.shape) / 4;
  // Enough workgroups for every GPU, each of several parts an invocation.
  recorder.dispatch(copyKernel.variant(), { x, y }, { parts }, [Math.min(4096, ceilDiv(parts, 256))]);
}

export interface PlainProduct {
  x: Tensor; // [M, K], K a multiple of 4
  weight: Tensor; // [N, K]
  y: Tensor; // [M, N]
}

/** Plain products by their names; all compute y = x W^T. */
export const PLAIN_PRODUCTS: Record<string, (recorder: Recorder, product: PlainProduct) => void> = {
  "registers, 4 x 4": (recorder, product) => inRegisters(recorder, product, 4),
  "registers, 8 x 4": (recorder, product) => inRegisters(recorder, product, 8),
  "workgroup memory": (recorder, product) => {
    const { rows, cols, inner } = paramsOf(product);
    recorder.dispatch(tiled.variant(), { ...product }, { rows, cols, inner }, [ceilDiv(cols, 64), ceilDiv(rows, 64)]);
  },
};

function inRegisters(recorder: Recorder, product: PlainProduct, tileRows: number): void {
  const { rows, cols, inner } = paramsOf(product);
  const variant = registers.variant({ constants: { ROWS: tileRows } });
  recorder.dispatch(variant, { ...product }, { rows, cols, inner }, [ceilDiv(cols, 32), ceilDiv(rows, 8 * tileRows)]);
}

function paramsOf({ x, weight }: PlainProduct): { rows: number; cols: number; inner: number } {
  return { rows: x.shape[0]!, cols: weight.shape[0]!, inner: x.shape[1]! / 4 };
}
