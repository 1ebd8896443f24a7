/**
 * The element types of the safetensors format, their sizes, and the types that Fovea reads. The GPU converts values and
 * checks for NaN.
 */

/** Bits of an element, for every type that the format's published reader knows. */
const DTYPE_BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  F64: 64,
  I64: 64,
  U64: 64,
  C64: 64,
} as const;

export type Dtype = keyof typeof DTYPE_BITS;

/** The types whose values Fovea reads. */
export type ReadableDtype = "F32" | "F16" | "BF16";

const READABLE: ReadonlySet<string> = new Set<ReadableDtype>(["F32", "F16", "BF16"]);

/** True if this is one of the format's type names. */
export function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(DTYPE_BITS, value);
}

/** True if values of this type can be read here. */
export function isReadableDtype(dtype: string): dtype is ReadableDtype {
  return READABLE.has(dtype);
}

/** Bits of one element; the types of 4 and 6 bits are packed, so only a whole tensor has a length in bytes. */
export function dtypeBits(dtype: Dtype): number {
  return DTYPE_BITS[dtype];
}
