/** A typed, shaped view of a GPU buffer. Plain data: who allocated the buffer (see arena.ts) owns it. */
import { assert } from "../shared/assert.ts";
import { elementCount, type Shape, shapeText } from "../shared/shape.ts";

/** Element types a kernel can bind; every one is 4 bytes wide, as WGSL storage arrays of scalars are. */
export type ElementType = "f32" | "u32" | "i32";

export const ELEMENT_BYTES = 4;

export interface Tensor {
  readonly buffer: GPUBuffer;
  /** Where the first element lies in `buffer`; a multiple of the device's storage offset alignment. */
  readonly byteOffset: number;
  readonly shape: Shape;
  readonly type: ElementType;
}

export function tensorByteLength(tensor: Tensor): number {
  return elementCount(tensor.shape) * ELEMENT_BYTES;
}

/**
 * The same memory under another shape, `elementOffset` elements further on. Shares the buffer; nothing is copied.
 * The offset must keep the device's alignment (256 bytes everywhere), which `dispatch` relies on.
 */
export function view(tensor: Tensor, shape: Shape, elementOffset = 0): Tensor {
  assert(
    elementOffset + elementCount(shape) <= elementCount(tensor.shape),
    `view ${shapeText(shape)} at element ${elementOffset} does not fit in ${shapeText(tensor.shape)}`,
  );
  const byteOffset = tensor.byteOffset + elementOffset * ELEMENT_BYTES;
  assert(byteOffset % 256 === 0, `view at byte ${byteOffset}, which is not a multiple of 256`);
  return { buffer: tensor.buffer, byteOffset, shape, type: tensor.type };
}
