/** A typed, shaped view of a GPU buffer. Plain data; the buffer's arena owns it. */
import { alignTo, assert } from "../shared/assert.ts";
import type { Levels } from "../shared/levels.ts";
import { NEST } from "../shared/nest.ts";
import { elementCount, type Shape, shapeText } from "../shared/shape.ts";

/** Element types that a kernel binds as an array of 4-byte scalars. */
export type ElementType = "f32" | "u32" | "i32";

/**
 * Weights as integers in groups of neighbours, each group with a scale and perhaps a bias: value = integer * scale +
 * bias. All integers come first, then the scales of all groups. 8 bits are signed. Fewer bits are stored from 0 on, and
 * 0 means the lower half of their range (-8 for 4 bits). Low bits come first: all nibbles, then the fifth and sixth
 * bits of all.
 */
export interface GroupedType {
  readonly bits: 4 | 5 | 6 | 8;
  /** Neighbours in a group; it divides the rows. */
  readonly group: 16 | 32 | 64 | 128;
  /**
   * The storage of scales and biases. "f16": multiplied by SCALE_UNITS, far from the subnormal numbers. "nested": 8-bit
   * integers, times an f32 that NEST neighbours (shared/nest.ts) share. Each NEST has a record: the f32 of the scales,
   * the f32 of any biases, and each group's integer or pair of integers.
   */
  readonly scales: "f16" | "f32" | "nested";
  /**
   * "none": scales only. Otherwise each scale is paired with the bias ("free"), or with the bias as a whole number of
   * scales ("zeros").
   */
  readonly bias: "none" | "zeros" | "free";
  /** The integer whose value an f16 or nested bias is, so that it needs no rounding. Not above 0. */
  readonly origin: number;
  /** For 4 bits: the unevenly spaced integers that nibbles encode instead. */
  readonly levels?: Levels;
}

/**
 * Formats of packed weights. "f16": two f16 in a word. "q8", "q4": groups of 32 with an f16 scale and no bias. Shaders
 * read them through shaders/lib/weight-*, chunk-* and scales-*.
 */
export type PackedType = PackedName | GroupedType;
export type PackedName = "f16" | "q8" | "q4";

/** Weights that share a scale in "q8" and "q4". */
export const GROUP = 32;

/** f16 scales and biases are stored times this. */
export const SCALE_UNITS = 256;

const ELEMENT_BYTES = 4;
const SYMMETRIC = { group: GROUP, scales: "f16", bias: "none", origin: 0 } as const;
const GROUPED: Partial<Record<string, GroupedType>> = {
  q8: { bits: 8, ...SYMMETRIC },
  q4: { bits: 4, ...SYMMETRIC },
};

export interface Tensor {
  readonly buffer: GPUBuffer;
  /** Offset of the first element in `buffer`; a multiple of the device's storage offset alignment. */
  readonly byteOffset: number;
  readonly shape: Shape;
  readonly type: ElementType | PackedType;
}

/**
 * A matrix whose rows lie in several buffers. One buffer would exceed the device's binding limit, or the rows are not
 * all of one type. Each part is a matrix, packed by itself. Every part but the last has a multiple of SPLIT_ROWS rows.
 */
export interface SplitMatrix {
  readonly parts: readonly Tensor[]; // [some rows, C] each, in order of rows, perhaps of different types
  readonly shape: Shape; // [R, C]
}

/** Rows of a matrix that have a type of their own. */
export interface RowRun {
  readonly rows: number;
  readonly type: Tensor["type"];
}

/** Weights for kernels that read them row by row. */
export type Matrix = Tensor | SplitMatrix;

/** Rows of a part are a multiple of this, so that the f32 results of each part start at a bindable offset (256 bytes). */
export const SPLIT_ROWS = 64;

/** True for a matrix whose rows lie in several buffers. */
export function isSplit(matrix: Matrix): matrix is SplitMatrix {
  return "parts" in matrix;
}

/** The buffers of a matrix, in order of rows. */
export function partsOf(matrix: Matrix): readonly Tensor[] {
  return isSplit(matrix) ? matrix.parts : [matrix];
}

/** True for f16 and for grouped integers, which have no element type of WGSL. */
export function isPacked(type: Tensor["type"]): type is PackedType {
  return type === "f16" || groupsOf(type) !== undefined;
}

/** The layout of a type of grouped integers; undefined for other types. */
export function groupsOf(type: ElementType | PackedType): GroupedType | undefined {
  return typeof type === "object" ? type : GROUPED[type];
}

/** A short name of a type, the same for equal types, such as "q4/64 zeros f16". */
export function typeName(type: ElementType | PackedType): string {
  if (typeof type !== "object") return type;
  const { bits, group, bias, scales, origin, levels } = type;
  const table = levels ? ` of ${levels.values}` : "";
  return `q${bits}/${group}${table} ${bias === "free" ? `bias from ${origin}` : bias} ${scales}`;
}

/** Bytes of the scales of `count` weights, with their biases. */
function scaleBytes({ scales, bias, group }: GroupedType, count: number): number {
  const numbers = bias === "none" ? 1 : 2;
  if (scales === "nested") return numbers * ((4 * count) / NEST + count / group);
  return (numbers * (scales === "f16" ? 2 : 4) * count) / group;
}

/** Bytes of a tensor of this shape; a multiple of 16 for packed ones, because shaders read whole vec4u. */
export function tensorByteLength({ shape, type }: Pick<Tensor, "shape" | "type">): number {
  const count = elementCount(shape);
  if (!isPacked(type)) return count * ELEMENT_BYTES;
  const groups = groupsOf(type);
  return alignTo(4 * scalesOffset({ shape, type }) + (groups ? scaleBytes(groups, count) : 0), 16);
}

/** Offset of the scales of packed weights, in words: after the values. */
export function scalesOffset({ shape, type }: Pick<Tensor, "shape" | "type">): number {
  const bits = type === "f16" ? 16 : (groupsOf(type)?.bits ?? 0);
  return (elementCount(shape) * bits) / 32;
}

/** Offset of the bits above the nibbles of 5 and 6 bits, in words. */
export function highOffset({ shape }: Pick<Tensor, "shape">): number {
  return elementCount(shape) / 8;
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
