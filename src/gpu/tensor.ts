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

/**
 * A matrix whose rows lie in several buffers, because one would be larger than the device binds. Each part is a matrix of
 * its own, packed by itself; all but the last have a multiple of SPLIT_ROWS rows.
 */
export interface SplitMatrix {
  readonly parts: readonly Tensor[]; // [some rows, C] each, in order of rows
  readonly shape: Shape; // [R, C]
  readonly type: Tensor["type"];
}

/** Weights as kernels take them that read them row by row. */
export type Matrix = Tensor | SplitMatrix;

/** Where a matrix is cut, f32 values of its rows' results begin at an offset that can be bound (256 bytes). */
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
