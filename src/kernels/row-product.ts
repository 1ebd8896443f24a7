/**
 * Shared by the kernels that multiply a single row (matvec.ts, qkv.ts): their variants and grids, over lib/row-product.
 */
import rowProduct from "../../shaders/lib/row-product.wgsl?raw";
import team from "../../shaders/lib/team.wgsl?raw";
import teamSubgroup from "../../shaders/lib/team-subgroup.wgsl?raw";
import type { VariantOptions } from "../gpu/kernel.ts";
import type { Capabilities, Grid } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ceilDiv } from "../shared/assert.ts";
import { foldGrid } from "./common.ts";
import { SOFTWARE } from "./software.ts";
import { chooseChunk } from "./weights.ts";

/** An RMS norm of the row before its product. */
export interface RowNorm {
  weight: Tensor; // [K]
  eps: number;
}

/** How a workgroup divides its work. */
interface RowProductShape {
  /** Invocations. */
  WORKGROUP_SIZE: number;
  /** Groups of four weight rows. */
  SLOTS: number;
  /**
   * The invocations that share rows of W. By default a subgroup, or the workgroup on a device without subgroups.
   * "alone": each invocation multiplies whole rows. "quads": the same, and four of them share their loads of x; needs
   * subgroups.
   */
  sharing?: "alone" | "quads";
}

/** Named shapes, invocations x groups of four rows, for a measurement to choose from. */
export const ROW_PRODUCT_SHAPES = {
  "32 x 1": { WORKGROUP_SIZE: 32, SLOTS: 1 },
  "64 x 2": { WORKGROUP_SIZE: 64, SLOTS: 2 },
  "128 x 4": { WORKGROUP_SIZE: 128, SLOTS: 4 },
  "256 x 4": { WORKGROUP_SIZE: 256, SLOTS: 4 },
  "4 x 2": { WORKGROUP_SIZE: 4, SLOTS: 2 },
  /** SwiftShader's subgroup. */
  "4 in quads": { WORKGROUP_SIZE: 4, SLOTS: 1, sharing: "quads" },
  /** Lavapipe's vector of 8 invocations. */
  "8 alone": { WORKGROUP_SIZE: 8, SLOTS: 8, sharing: "alone" },
} satisfies Record<string, RowProductShape>;

type ShapeName = keyof typeof ROW_PRODUCT_SHAPES;

/** Shapes worth measuring on a GPU. "alone" is not: each invocation would read its own rows of memory. */
export const GPU_SHAPES: readonly ShapeName[] = ["32 x 1", "64 x 2", "128 x 4", "256 x 4"];

/**
 * On a GPU 64 invocations are two subgroups, with four rows each. Software adapters differ from that and from each other;
 * GFLOP/s on two cores:
 *
 *     SwiftShader, subgroups of 4 invocations, [2048, 512] in f32    lavapipe, no subgroups, [1536, 576] in q4
 *     64 invocations, subgroups   0.27                               64 x 2, by barriers                   0.41
 *     8 for two groups of rows    0.51                               32 x 1, by barriers                   0.58
 *     4 for two groups            0.70                               8 alone                               4.32 (taken)
 *     4 for one                   0.53                               32 alone                              4.57
 *     4 for four                  0.56                               8 alone, 16 rows each instead of 4    5.80
 *     64 x 1, by barriers         0.04                               8 alone, one row each                 1.97
 *
 * On SwiftShader idle invocations cost time, and loads cost most. Quads share the loads of x. They take 0.69 of the
 * time of 4 for two groups in f32, 0.78 in q4 ([576, 1536], one run). Lavapipe runs 8 invocations as one vector:
 * arithmetic is almost free, a barrier switches coroutines, and each load runs lane by lane.
 */
function chooseShape({ software, subgroups, fastest }: Capabilities): RowProductShape {
  const name = (fastest.matvec ?? (software ? (subgroups ? "4 in quads" : "8 alone") : "64 x 2")) as ShapeName;
  const shape: RowProductShape = ROW_PRODUCT_SHAPES[name] ?? ROW_PRODUCT_SHAPES["64 x 2"];
  return shape.sharing === "quads" && !subgroups ? ROW_PRODUCT_SHAPES["4 x 2"] : shape;
}

export interface RowProductOptions {
  weight: Tensor; // [N, K]
  normed: boolean;
  /** Values of y from each group of four rows. */
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
  const { key, texts, elements, constants: scaling } = chooseChunk(weight);
  const { sharing, ...shape } = chooseShape(capabilities);
  const subgroups = capabilities.subgroups && sharing !== "alone";
  const [suffix, own] =
    sharing === "quads" ? [" quads", [SOFTWARE.now.rowProductQuad]] : teamTexts(capabilities, sharing);
  const options: VariantOptions = {
    ...(subgroups ? { enables: ["subgroups"], requires: ["subgroup_id"] } : {}),
    libs: { key: `${key}${suffix}`, texts: [...texts, ...libs, ...own] },
    constants: { ...shape, NORMED: Number(normed), ...constants, ...scaling },
  };
  const fours = shape.SLOTS * (sharing === "quads" ? shape.WORKGROUP_SIZE : 1);
  return { options, grid: foldGrid(ceilDiv(cols, fours * outputs)), inner: weight.shape[1]! / elements };
}

/** The suffix of a variant's name, and the libraries for rows that teams share. */
function teamTexts({ subgroups }: Capabilities, sharing: "alone" | undefined): [suffix: string, texts: string[]] {
  if (sharing === "alone") return [" alone", [SOFTWARE.now.teamAlone, rowProduct]];
  return subgroups ? [" subgroups", [teamSubgroup, rowProduct]] : ["", [team, rowProduct]];
}
