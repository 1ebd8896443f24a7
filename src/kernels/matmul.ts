/** The product of many rows with a linear layer's weights, with its epilogue. One row: matvec.ts; which: linear.ts. */
import linearStore from "../../shaders/lib/linear-store.wgsl?raw";
import rowsAlone from "../../shaders/lib/rows-alone.wgsl?raw";
import rowsQuad from "../../shaders/lib/rows-quad.wgsl?raw";
import tileF16 from "../../shaders/lib/tile-f16.wgsl?raw";
import tileF32 from "../../shaders/lib/tile-f32.wgsl?raw";
import shader from "../../shaders/matmul.wgsl?raw";
import quadShader from "../../shaders/matmul-quad.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Capabilities, Recorder } from "../gpu/pass.ts";
import { isPacked, scalesOffset, type Tensor } from "../gpu/tensor.ts";
import type { Activation } from "../shared/activation.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { activationConstant, activationLib } from "./activation.ts";
import { checkShape, foldGrid } from "./common.ts";
import { chooseWeight } from "./weights.ts";

const interfaceOfBoth = {
  bindings: { x: "read", weight: "read", bias: "read", y: "write" },
  params: {
    rows: "u32",
    cols: "u32",
    inner: "u32",
    scales: "u32",
    hasBias: "u32",
    accumulate: "u32",
    stride: "u32",
    factor: "f32",
  },
} as const;
const tiled = new Kernel({ name: "matmul", shader, ...interfaceOfBoth });
const quad = new Kernel({ name: "matmul-quad", shader: quadShader, ...interfaceOfBoth });

/** One product, or with a leading dimension B in `x`, `weight` and `y` a batch of them in one dispatch. */
export interface MatmulArgs {
  x: Tensor; // [M, K] or [B, M, K]
  /** The layout of a Hugging Face linear layer, plain or packed; plain in a batch. */
  weight: Tensor; // [N, K] or [B, N, K]
  bias?: Tensor | undefined; // [N]
  y: Tensor; // [M, N] or [B, M, N]
  /** Elements from a row of `y` to the next, where `y` is some columns of a wider matrix; default N. */
  stride?: number | undefined;
  /** Applied after the bias; default "none". */
  activation?: Activation | undefined;
  /** Adds to what `y` holds instead of replacing it: the residual. */
  accumulate?: boolean | undefined;
  /** Factor on the result, before it is stored or added; default 1. */
  factor?: number | undefined;
  /** Operands stay f32 on a device that rounds the operands of other products to f16. */
  exact?: boolean | undefined;
}

/**
 * Implementations of one product: without workgroup memory, with tiles in it, and with tiles of f16 (products and sums
 * in f32).
 */
export type MatmulVariant = "quads" | "alone" | "tiles" | "f16 tiles";

/** The parts of each variant; `tile` is the rows and columns of y that a workgroup computes. */
const VARIANTS = {
  quads: {
    kernel: quad,
    tile: [16, 32],
    libs: [rowsQuad],
    suffix: "",
    constants: { WORKGROUP_SIZE: 4 },
    enables: ["subgroups"],
  },
  // Invocations share nothing. Their number is the lanes of lavapipe's vectors.
  alone: {
    kernel: quad,
    tile: [16, 64],
    libs: [rowsAlone],
    suffix: " alone",
    constants: { WORKGROUP_SIZE: 8 },
    enables: [],
  },
  tiles: { kernel: tiled, tile: [64, 64], libs: [tileF32], suffix: "", constants: {}, enables: [] },
  "f16 tiles": { kernel: tiled, tile: [64, 64], libs: [tileF16], suffix: " f16", constants: {}, enables: ["f16"] },
} as const;

/**
 * GPUs use tiles in workgroup memory, software adapters quads without it. Measured on SwiftShader, in GFLOP/s for two
 * processor cores (twice the product over the processor time; a busy machine, so that a sixth is noise), for
 * [65, 64] x [160, 64], [197, 192] x [768, 192] and [577, 1024] x [4096, 1024]:
 *
 *     quads, 16 x 8 outputs an invocation               2.5  2.8  3.6   (taken; compiles in 0.3 s)
 *     quads, 16 x 4                                     3.1  2.9  3.3
 *     quads, 8 x 8                                      2.4  2.6  2.8
 *     8 x 8, each loads for itself, 16 x 16 a workgroup 2.1  2.4  2.4
 *     4 x 4, the same, 8 x 8 a workgroup                1.6  1.5  1.4
 *     tiles of 64 x 64, 8 x 4 an invocation             0.1  0.3  0.9   (taken for GPUs; compiles in 1.2 s)
 *     tiles of 64 x 64, 8 x 8                           0.1  0.4  1.1
 *     tiles of 64 x 64, 4 x 4                           0.1  0.2  0.7
 *
 * On lavapipe (Firefox), without subgroups, [64, 576] x [3072, 576] in q4: 3.6 with tiles, 20.6 alone (taken).
 *
 * Not yet measured on a GPU. There, rows of W apart by K make loads without staging touch a cache line an invocation,
 * which rules the quads out; 8 x 4 outputs need 12 reads of workgroup memory for 128 products (8 x 8: 16 for 256) but
 * half the registers of 8 x 8, which keeps small GPUs from spilling and puts twice the invocations on a small product.
 */
function choose(capabilities: Capabilities, weight: Tensor, exact: boolean): MatmulVariant {
  const { software, subgroups, f16, fastest } = capabilities;
  const found = fastest.matmul ?? (software ? (subgroups ? "quads" : "alone") : "f16 tiles");
  if (found === "alone" || (found === "quads" && subgroups)) return found;
  const isWanted = f16 === "all" ? !exact : f16 === "packed" && isPacked(weight.type);
  const fits = isWanted && canMultiplyF16(weight);
  return found === "f16 tiles" && fits ? "f16 tiles" : "tiles";
}

/** The variants that such a device can run, for a measurement to choose from. */
export function matmulVariants({ software, subgroups, f16 }: Capabilities): MatmulVariant[] {
  const withoutTiles = [...(subgroups ? (["quads"] as const) : []), ...(software ? (["alone"] as const) : [])];
  return [...withoutTiles, "tiles", ...(f16 === "none" ? [] : (["f16 tiles"] as const))];
}

/** lib/tile-f16 reads four values at a time. */
function canMultiplyF16(weight: Tensor): boolean {
  return weight.shape.at(-1)! % 4 === 0;
}

/** y = factor * act(x W^T + b); with `accumulate`, y += factor * act(x W^T + b). */
export function matmul(
  recorder: Recorder,
  { x, weight, bias, y, stride, activation = "none", accumulate = false, factor = 1, exact = false }: MatmulArgs,
): void {
  const batch = x.shape.length === 3 ? x.shape.slice(0, 1) : [];
  const [rows = 0, inner = 0] = x.shape.slice(-2);
  const cols = weight.shape.at(-2) ?? 0;
  checkShape("matmul x", x, [...batch, rows, inner]);
  checkShape("matmul weight", weight, [...batch, cols, inner]);
  if (bias) checkShape("matmul bias", bias, [cols]);
  checkShape("matmul y", y, [...batch, rows, cols]);
  assert(batch.length === 0 || !isPacked(weight.type), "matmul: a batch of packed weights");
  const { kernel, tile, libs, suffix, constants, enables } = VARIANTS[choose(recorder.capabilities, weight, exact)];
  const { part, key, texts, constants: scaling } = chooseWeight(weight);
  const variant = kernel.variant({
    libs: { key: key + suffix, texts: [...texts, ...libs, activationLib, linearStore] },
    constants: { ...activationConstant(activation), ...constants, ...scaling },
    enables,
  });
  const [across, down = 1] = foldGrid(ceilDiv(rows, tile[0]) * ceilDiv(cols, tile[1]));
  recorder.dispatch(
    variant,
    { x, weight, bias: bias ?? weight, y },
    {
      ...{ rows, cols, inner: inner / part.width, scales: scalesOffset(weight) },
      ...{ hasBias: Number(!!bias), accumulate: Number(accumulate), stride: stride ?? cols, factor },
    },
    [across, down, batch[0] ?? 1],
  );
}
