/** What the kernels over attention heads share: where heads lie in wider rows, and how many components go at a time. */
import partScalar from "../../shaders/lib/part-scalar.wgsl?raw";
import partVec4 from "../../shaders/lib/part-vec4.wgsl?raw";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";

/** Rows inside a wider matrix: component d of head h of row t lies at `t * stride + offset + h * D + d` (elements). */
export interface HeadRows {
  tensor: Tensor;
  stride: number;
  offset: number;
}

/** How a kernel walks over components: `width` of them are one WGSL `Part`, defined by the library `text`. */
export interface PartChoice {
  width: 1 | 4;
  key: string;
  text: string;
}

/** Four components at a time if all of these lengths and offsets (in elements) allow it, else one. */
export function choosePart(...lengths: number[]): PartChoice {
  return lengths.every((length) => length % 4 === 0)
    ? { width: 4, key: "vec4", text: partVec4 }
    : { width: 1, key: "scalar", text: partScalar };
}

/** Throws unless `rows` rows of `heads` heads lie inside the tensor: a bug in the model code. */
export function checkHeadRows(
  name: string,
  { tensor, stride, offset }: HeadRows,
  rows: number,
  heads: number,
  headWidth: number,
): void {
  const end = (rows - 1) * stride + offset + heads * headWidth;
  const fits = rows > 0 && offset >= 0 && offset + heads * headWidth <= stride && end <= elementCount(tensor.shape);
  assert(
    fits,
    `${name}: ${rows} rows of ${heads} heads of ${headWidth} at ${offset} + t * ${stride} do not fit in [${tensor.shape}]`,
  );
}
