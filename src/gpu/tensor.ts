/** A typed, shaped view of a GPU buffer. Plain data: who allocated the buffer (see arena.ts) owns it. */
import { alignTo, assert } from "../shared/assert.ts";
import { elementCount, type Shape, shapeText } from "../shared/shape.ts";

/** Element types a kernel can bind as an array of scalars of 4 bytes. */
export type ElementType = "f32" | "u32" | "i32";

/**
 * How weights may be packed. "f16": halves, two in a word. "q8", "q4": groups of GROUP neighbours as integers of 8 or 4
 * bits, and behind all of them one half a group, its scale. Read through shaders/lib/weight-* and chunk-*.
 */
export type PackedType = "f16" | "q8" | "q4";

/** Weights that share a scale. */
export const GROUP = 32;

const ELEMENT_BYTES = 4;
const PACKED_BITS: Record<PackedType, number> = { f16: 16, q8: 8, q4: 4 };

export interface Tensor {
  readonly buffer: GPUBuffer;
  /** Where the first element lies in `buffer`; a multiple of the device's storage offset alignment. */
  readonly byteOffset: number;
  readonly shape: Shape;
  readonly type: ElementType | PackedType;
}

export function isPacked(type: ElementType | PackedType): type is PackedType {
  return type in PACKED_BITS;
}

/** Bytes of a tensor of this shape; of a packed one a multiple of 16, for whole vec4u are read. */
export function tensorByteLength({ shape, type }: Pick<Tensor, "shape" | "type">): number {
  const count = elementCount(shape);
  if (!isPacked(type)) return count * ELEMENT_BYTES;
  return alignTo(4 * scalesOffset({ shape, type }) + (type === "f16" ? 0 : 2 * (count / GROUP)), 16);
}

/** Where the scales of packed weights begin, in words: behind the values. */
export function scalesOffset({ shape, type }: Pick<Tensor, "shape" | "type">): number {
  return isPacked(type) ? (elementCount(shape) * PACKED_BITS[type]) / 32 : 0;
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
  assert(!isPacked(tensor.type) || elementOffset === 0, "packed weights have no parts");
  const byteOffset = tensor.byteOffset + elementOffset * ELEMENT_BYTES;
  assert(byteOffset % 256 === 0, `view at byte ${byteOffset}, which is not a multiple of 256`);
  return { buffer: tensor.buffer, byteOffset, shape, type: tensor.type };
}
