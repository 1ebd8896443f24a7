/**
 * Reference kernels: a copy and matmuls in plain WGSL. The engine's kernels are rated as a share of these in the same
 * run.
 */
import { Kernel, type VariantOptions } from "../../src/gpu/kernel.ts";
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

/** y = x. @param x f32 values, a multiple of 4 */
export function plainCopy(recorder: Recorder, x: Tensor, y: Tensor): void {
  const parts = elementCount(x.shape) / 4;
  // Enough workgroups for every GPU; an invocation copies several parts.
  recorder.dispatch(copyKernel.variant(), { x, y }, { parts }, [Math.min(4096, ceilDiv(parts, 256))]);
}

export interface PlainProduct {
  x: Tensor; // [M, K], K a multiple of 4
  weight: Tensor; // [N, K]
  y: Tensor; // [M, N]
}

interface PlainKind {
  name: string;
  /** Multiplies in f16. Sums are always f32. */
  f16: boolean;
  record: (recorder: Recorder, product: PlainProduct) => void;
}

/** Plain matmuls, all of which compute y = x W^T. Those in f16 need the feature "shader-f16". */
export const PLAIN_PRODUCTS: readonly PlainKind[] = [false, true].flatMap((f16) => {
  const suffix = f16 ? ", f16" : "";
  return [
    ...[4, 8].map((rows) => ({
      ...{ name: `registers, ${rows} x 4${suffix}`, f16 },
      record: (recorder: Recorder, product: PlainProduct) => inRegisters(recorder, product, rows, f16),
    })),
    {
      ...{ name: `workgroup memory${suffix}`, f16 },
      record: (recorder: Recorder, product: PlainProduct) => inTiles(recorder, product, f16),
    },
  ];
});

/** The two types that the shaders do not define. */
function numbers(f16: boolean): VariantOptions {
  const [key, letter] = f16 ? ["f16", "h"] : ["f32", "f"];
  return {
    libs: { key: key!, texts: [`alias Part = vec4${letter};\nalias Block = mat4x4${letter};`] },
    enables: f16 ? ["f16"] : [],
  };
}

function inTiles(recorder: Recorder, product: PlainProduct, f16: boolean): void {
  const { rows, cols, inner } = paramsOf(product);
  const grid = [ceilDiv(cols, 64), ceilDiv(rows, 64)] as const;
  recorder.dispatch(tiled.variant(numbers(f16)), { ...product }, { rows, cols, inner }, grid);
}

function inRegisters(recorder: Recorder, product: PlainProduct, tileRows: number, f16: boolean): void {
  const { rows, cols, inner } = paramsOf(product);
  const variant = registers.variant({ ...numbers(f16), constants: { ROWS: tileRows } });
  const grid = [ceilDiv(cols, 32), ceilDiv(rows, 8 * tileRows)] as const;
  recorder.dispatch(variant, { ...product }, { rows, cols, inner }, grid);
}

function paramsOf({ x, weight }: PlainProduct): { rows: number; cols: number; inner: number } {
  return { rows: x.shape[0]!, cols: weight.shape[0]!, inner: x.shape[1]! / 4 };
}
