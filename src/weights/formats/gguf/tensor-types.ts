/**
 * The tensor types of GGUF by number: their names, and the blocks of those that are read. Block layouts: ggml-common.h of
 * ggml. The decoders are in blocks.ts and super-blocks.ts.
 */

/** Names of all types, so that a message can name one that is not read. Gaps are types that ggml removed. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  ...{ 0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K" },
  ...{ 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S" },
  ...{ 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64" },
  ...{ 29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4" },
};

/** A type that is read: so many elements of a row lie in a block of so many bytes. */
export interface BlockType {
  readonly name: GgufTypeName;
  readonly elements: number;
  readonly bytes: number;
}

const BLOCKS = {
  F32: [1, 4],
  F16: [1, 2],
  BF16: [1, 2],
  Q4_0: [32, 18],
  Q4_1: [32, 20],
  Q5_0: [32, 22],
  Q5_1: [32, 24],
  Q8_0: [32, 34],
  Q4_K: [256, 144],
  Q5_K: [256, 176],
  Q6_K: [256, 210],
  IQ4_NL: [32, 18],
  IQ4_XS: [256, 136],
} as const;

export type GgufTypeName = keyof typeof BLOCKS;
/** The types of whole numbers in blocks. */
export type PackedTypeName = Exclude<GgufTypeName, "F32" | "F16" | "BF16">;

/** Names of the types that are read, for messages. */
export const READ_TYPES = Object.keys(BLOCKS).join(", ");

/** The type of this number, if it is read. */
export function blockType(type: number): BlockType | undefined {
  const name = TYPE_NAMES[type];
  if (name === undefined || !Object.hasOwn(BLOCKS, name)) return undefined;
  const [elements, bytes] = BLOCKS[name as GgufTypeName];
  return { name: name as GgufTypeName, elements, bytes };
}

/** Name of a type, also of one that is not read; undefined for an unknown number. */
export function typeName(type: number): string | undefined {
  return TYPE_NAMES[type];
}
