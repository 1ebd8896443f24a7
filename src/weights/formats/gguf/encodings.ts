/** The encodings of GGUF's tensor types, and how its tensors become stored tensors of a checkpoint. */
import type { Encoding, PackedEncoding, PackedLayout } from "../encoding.ts";
import type { RowOrder, StoredTensor } from "../stored-tensor.ts";
import { DECODERS, IQ4_LEVELS } from "./blocks.ts";
import type { NamedTensor } from "./language.ts";
import type { GgufTypeName, PackedTypeName } from "./tensor-types.ts";

const LAYOUTS: Readonly<Record<PackedTypeName, PackedLayout>> = {
  Q4_0: { bits: 4, group: 32, scales: "f16", bias: "none" },
  Q4_1: { bits: 4, group: 32, scales: "f16", bias: "free" },
  Q5_0: { bits: 5, group: 32, scales: "f16", bias: "none" },
  Q5_1: { bits: 5, group: 32, scales: "f16", bias: "free" },
  Q8_0: { bits: 8, group: 32, scales: "f16", bias: "none" },
  Q4_K: { bits: 4, group: 32, scales: "nested", bias: "free" },
  Q5_K: { bits: 5, group: 32, scales: "nested", bias: "free" },
  Q6_K: { bits: 6, group: 16, scales: "nested", bias: "none" },
  IQ4_NL: { bits: 4, group: 32, scales: "f16", bias: "none", levels: IQ4_LEVELS },
  IQ4_XS: { bits: 4, group: 32, scales: "nested", bias: "none", levels: IQ4_LEVELS },
};

const ENCODINGS = new Map<GgufTypeName, Encoding>([
  ...(["F32", "F16", "BF16"] as const).map((dtype) => [dtype, { id: dtype, dtype }] as const),
  ...Object.entries(LAYOUTS).map(
    ([name, layout]) => [name as PackedTypeName, packed(name as PackedTypeName, layout)] as const,
  ),
]);

function packed(id: PackedTypeName, layout: PackedLayout): PackedEncoding {
  const decode = DECODERS[id];
  return { id, layout, decode: ({ planes }) => decode(planes.values!) };
}

/** A tensor of a file for a checkpoint. */
export function storedTensor(named: NamedTensor): StoredTensor {
  const { name, tensor, shape, start, end, interleavedHeads, offset } = named;
  const columns = tensor.shape.at(-1)!;
  const rowBytes = (columns / tensor.type.elements) * tensor.type.bytes;
  return {
    name,
    shape,
    encoding: ENCODINGS.get(tensor.type.name)!,
    planes: [
      // A vector's elements are its rows.
      {
        name: tensor.name,
        file: tensor.file,
        start,
        end,
        role: "values",
        rowBytes: tensor.shape.length === 1 ? tensor.type.bytes : rowBytes,
      },
    ],
    ...(interleavedHeads !== undefined && rowOrder(shape[0]!, interleavedHeads)),
    ...(offset !== undefined && { add: -offset }),
  };
}

/** Row 2 i of a head in the file is row i of the head, row 2 i + 1 is row i + D / 2. */
function rowOrder(rows: number, heads: number): { rowOrder?: RowOrder } {
  const width = rows / heads;
  // A shape that fits no heads is reported when tensors are matched.
  if (!Number.isInteger(width) || width % 2 !== 0) return {};
  return { rowOrder: { order: Array.from({ length: width }, (_, i) => (i >> 1) + (i % 2) * (width / 2)) } };
}
