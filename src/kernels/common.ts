/** Shared by kernel wrappers: shape checks, grids, and the choice of the reduction library. */
import reduceWorkgroup from "../../shaders/lib/reduce.wgsl?raw";
import reduceSubgroup from "../../shaders/lib/reduce-subgroup.wgsl?raw";
import type { VariantOptions } from "../gpu/kernel.ts";
import type { Capabilities, Grid } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert, ceilDiv } from "../shared/assert.ts";
import { type Shape, sameShape, shapeText } from "../shared/shape.ts";
import { SOFTWARE } from "./software.ts";

/** Throws unless `tensor` has this shape: a bug in the model code. */
export function checkShape(name: string, tensor: Tensor, shape: Shape): void {
  assert(sameShape(tensor.shape, shape), `${name} is ${shapeText(tensor.shape)}, expected ${shapeText(shape)}`);
}

/** Rows and width of a matrix; throws if the tensor has another rank. */
export function matrixShape(name: string, tensor: Tensor): [rows: number, width: number] {
  assert(tensor.shape.length === 2, `${name} is ${shapeText(tensor.shape)}, expected a matrix`);
  return tensor.shape as unknown as [number, number];
}

/** Batch, rows and width of a batch of matrices; throws if the tensor has another rank. */
export function batchShape(name: string, tensor: Tensor): [batch: number, rows: number, width: number] {
  assert(tensor.shape.length === 3, `${name} is ${shapeText(tensor.shape)}, expected a batch of matrices`);
  return tensor.shape as unknown as [number, number, number];
}

/** WebGPU allows 65535 workgroups a dimension. */
const MAX_WORKGROUPS = 65535;

/**
 * At least `count` workgroups, folded into two dimensions; the shader computes x + y * num_workgroups.x and checks the
 * bound.
 */
export function foldGrid(count: number): Grid {
  const y = ceilDiv(count, MAX_WORKGROUPS);
  return [ceilDiv(count, y), y];
}

/** Workgroups of `workgroupSize` invocations for one invocation an element; see `foldGrid`. */
export function elementGrid(elements: number, workgroupSize: number): Grid {
  return foldGrid(ceilDiv(elements, workgroupSize));
}

/** Options with a library, for callers to add theirs. */
type WithLibs = VariantOptions & Required<Pick<VariantOptions, "libs">>;

/** Options of a variant that uses `workgroup_sum` and `workgroup_max` over `workgroupSize` (a power of two) invocations. */
export function withReduction(capabilities: Capabilities, workgroupSize: number): WithLibs {
  const constants = { WORKGROUP_SIZE: workgroupSize };
  return capabilities.subgroups
    ? {
        libs: { key: "subgroups", texts: [reduceSubgroup] },
        constants,
        enables: ["subgroups"],
        requires: ["subgroup_id"],
      }
    : { libs: { key: "", texts: [reduceWorkgroup] }, constants };
}

/** The same for kernels of a workgroup a row, which software adapters run best in a single vector: see lib/reduce-quad. */
export function withRowReduction(capabilities: Capabilities, workgroupSize: number): WithLibs {
  if (!capabilities.software) return withReduction(capabilities, workgroupSize);
  // Lavapipe's vectors have 8 lanes. Of 128 invocations, a layer norm of [197, 192] took 3.76 ms, of 8 0.71.
  if (!capabilities.subgroups) return withReduction(capabilities, 8);
  return {
    libs: { key: "quads", texts: [SOFTWARE.now.reduceQuad] },
    constants: { WORKGROUP_SIZE: 4 },
    enables: ["subgroups"],
  };
}
