/** A typed, shaped view of a GPU buffer. Plain data; the buffer's arena owns it. */
import { alignTo, assert } from "../shared/assert.ts";
import { elementCount, type Shape, shapeText } from "../shared/shape.ts";

/** Element types that a kernel binds as an array of 4-byte scalars. */
export type ElementType = "f32" | "u32" | "i32";

/**
 * Formats of packed weights. "f16": two f16 in a word. "q8", "q4": groups of GROUP neighbours as 8-bit or 4-bit integers;
 * after all values one f16 scale per group. Shaders read them through shaders/lib/weight-* and chunk-*.
 */
export type PackedType = "f16" | "q8" | "q4";

/** Number of weights that share a scale. */
export const GROUP = 32;

const ELEMENT_BYTES = 4;
const PACKED_BITS: Record<PackedType, number> = { f16: 16, q8: 8, q4: 4 };

export interface Tensor {
  readonly buffer: GPUBuffer;
  /** Offset of the first element in `buffer`; a multiple of the device's storage offset alignment. */
  readonly byteOffset: number;
  readonly shape: Shape;
  readonly type: ElementType | PackedType;
}

/**
 * A matrix whose rows lie in several buffers, because one would exceed the device's binding limit. Each part is a matrix,
 * packed by itself; every part but the last has a multiple of SPLIT_ROWS rows.
 */
export interface SplitMatrix {
  readonly parts: readonly Tensor[]; // [some rows, C] each, in order of rows
  readonly shape: Shape; // [R, C]
  readonly type: Tensor["type"];
}

/** Weights for kernels that read them row by row. */
export type Matrix = Tensor | SplitMatrix;

/** Rows of a part are a multiple of this, so that the f32 results of each part start at a bindable offset (256 bytes). */
export const SPLIT_ROWS = 64;

export function isSplit(matrix: Matrix): matrix is SplitMatrix {
  return "parts" in matrix;
}

/** The buffers of a matrix, in order of rows. */
export function partsOf(matrix: Matrix): readonly Tensor[] {
  return isSplit(matrix) ? matrix.parts : [matrix];
}

export function isPacked(type: ElementType | PackedType): type is PackedType {
  return type in PACKED_BITS;
}

/** Bytes of a tensor of this shape; a multiple of 16 for packed ones, because shaders read whole vec4u. */
export function tensorByteLength({ shape, type }: Pick<Tensor, "shape" | "type">): number {
  const count = elementCount(shape);
  if (!isPacked(type)) return count * ELEMENT_BYTES;
  return alignTo(4 * scalesOffset({ shape, type }) + (type === "f16" ? 0 : 2 * (count / GROUP)), 16);
}

/** Offset of the scales of packed weights, in words: after the values. */
export function scalesOffset({ shape, type }: Pick<Tensor, "shape" | "type">): number {
  return isPacked(type) ? (elementCount(shape) * PACKED_BITS[type]) / 32 : 0;
}

/**
 * The same memory with another shape, starting at `elementOffset`. Shares the buffer. The offset must keep the device's
 * alignment (256 bytes suffice everywhere), which `dispatch` relies on.
 */
export function view(tensor: Tensor, shape: Shape, elementOffset = 0): Tensor {
  assert(
    elementOffset + elementCount(shape) <= elementCount(tensor.shape),
    `view ${shapeText(shape)} at element ${elementOffset} does not fit in ${shapeText(tensor.shape)}`,
  );
  assert(!isPacked(tensor.type) || elementOffset === 0, "packed weights cannot be viewed at an offset");
  const byteOffset = tensor.byteOffset + elementOffset * ELEMENT_BYTES;
  assert(byteOffset % 256 === 0, `view at byte ${byteOffset}, which is not a multiple of 256`);
  return { buffer: tensor.buffer, byteOffset, shape, type: tensor.type };
}
