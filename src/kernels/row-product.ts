/** What the kernels that multiply a single row share (matvec.ts, qkv.ts): their variants and grids, over lib/row-product. */
import rowProduct from "../../shaders/lib/row-product.wgsl?raw";
import team from "../../shaders/lib/team.wgsl?raw";
import teamSubgroup from "../../shaders/lib/team-subgroup.wgsl?raw";
import type { VariantOptions } from "../gpu/kernel.ts";
import type { Capabilities, Grid } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ceilDiv } from "../shared/assert.ts";
import { foldGrid } from "./common.ts";
import { chooseChunk } from "./weights.ts";

/** An RMS norm of the row in front of its product. */
export interface RowNorm {
  weight: Tensor; // [K]
  eps: number;
}

/**
 * Invocations, and fours of weight rows, of a workgroup. On a GPU 64 invocations are two subgroups, a four for each. A
 * subgroup of the software adapter is 4 invocations, and each that finds no work still costs: with 64 invocations it
 * reached 0.27 GFLOP/s at [512] x [2048, 512], with 8 for two fours 0.51, with 4 for two 0.70 (for one 0.53, for four
 * 0.56). One four for the whole workgroup, by barriers, which is all that a device without subgroups can do: 0.04.
 */
function workgroup({ software, subgroups, fastest }: Capabilities): RowProductShape {
  return ROW_PRODUCT_SHAPES[fastest.matvec ?? ""] ?? (software && subgroups ? QUAD : ROW_PRODUCT_SHAPES["64 x 2"]!);
}

interface RowProductShape {
  WORKGROUP_SIZE: number;
  SLOTS: number;
}

const QUAD: RowProductShape = { WORKGROUP_SIZE: 4, SLOTS: 2 };

/** By name, for a measurement to choose from: invocations x fours of rows. */
export const ROW_PRODUCT_SHAPES: Readonly<Record<string, RowProductShape>> = {
  "32 x 1": { WORKGROUP_SIZE: 32, SLOTS: 1 },
  "64 x 2": { WORKGROUP_SIZE: 64, SLOTS: 2 },
  "128 x 4": { WORKGROUP_SIZE: 128, SLOTS: 4 },
  "256 x 4": { WORKGROUP_SIZE: 256, SLOTS: 4 },
};

export interface RowProductOptions {
  weight: Tensor; // [N, K]
  normed: boolean;
  /** Values of y that a four of rows gives. */
  outputs: number;
  /** Values of y in all. */
  cols: number;
  /** Of the shader itself. */
  libs?: readonly string[];
  constants?: Readonly<Record<string, number>>;
}

/** The variant for these weights on this device, its grid, and the weights' chunks in a row. */
export function chooseRowProduct(
  capabilities: Capabilities,
  { weight, normed, outputs, cols, libs = [], constants = {} }: RowProductOptions,
): { options: VariantOptions; grid: Grid; inner: number } {
  const { key, texts, elements } = chooseChunk(weight);
  const { subgroups } = capabilities;
  const shape = workgroup(capabilities);
  const options: VariantOptions = {
    ...(subgroups ? { enables: ["subgroups"], requires: ["subgroup_id"] } : {}),
    libs: {
      key: subgroups ? `${key} subgroups` : key,
      texts: [...texts, subgroups ? teamSubgroup : team, ...libs, rowProduct],
    },
    constants: { ...shape, NORMED: Number(normed), ...constants },
  };
  return { options, grid: foldGrid(ceilDiv(cols, shape.SLOTS * outputs)), inner: weight.shape[1]! / elements };
}
