/** The encodings of GGUF's tensor types, and how its tensors become stored tensors of a checkpoint. */
import { quoted } from "../../../shared/json.ts";
import { sameShape, shapeText } from "../../../shared/shape.ts";
import type { Dtype } from "../../dtype.ts";
import { unpackedRows } from "../arrange-rows.ts";
import type { Encoding, PackedEncoding, PackedLayout } from "../encoding.ts";
import { readNumbers } from "../packed/integers.ts";
import type { RowOrder, StoredTensor } from "../stored-tensor.ts";
import { DECODERS, IQ4_LEVELS } from "./blocks.ts";
import type { GgufTensor } from "./container.ts";
import { badGguf } from "./header-reader.ts";
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
  const { name, tensor, shape, start, end, interleavedHeads, offset, frame } = named;
  if (frame) return twoFrames(named, frame);
  if (named.isDecay) return decays(named);
  if (shape.length === 1 && Object.hasOwn(LAYOUTS, tensor.type.name)) return packedVector(named);
  return {
    name,
    shape,
    encoding: ENCODINGS.get(tensor.type.name)!,
    planes: [
      // A vector's elements are its rows.
      { name: tensor.name, file: tensor.file, start, end, role: "values", rowBytes: (end - start) / shape[0]! },
    ],
    ...(interleavedHeads !== undefined && rowOrder(shape[0]!, interleavedHeads)),
    ...(offset !== undefined && { add: -offset }),
  };
}

/**
 * Rates of decay, of which the file has -exp. Throws FoveaError `bad-weights` for another type, or a rate that is not
 * below 0.
 */
function decays({ name, tensor, shape, start, end }: NamedTensor): StoredTensor {
  const { type, file } = tensor;
  const [width = 1] = shape;
  if (type.name !== "F32" || shape.length !== 1)
    throw badGguf(
      file,
      `tensor ${quoted(tensor.name)} is ${type.name} ${shapeText(shape)}; F32 of one dimension is needed`,
    );
  return {
    name,
    shape: [1, width],
    planes: [{ name: tensor.name, file, start, end, role: "values", rowBytes: end - start }],
    encoding: {
      id: type.name,
      dtype: "F32",
      unpack({ planes }) {
        const values = readNumbers(planes.values!, { name, dtype: "F32" });
        const wrong = values.find((value) => !(value < 0));
        if (wrong !== undefined)
          throw badGguf(file, `tensor ${quoted(tensor.name)} holds ${wrong}, a number below 0 is needed`);
        return values.map((value) => Math.log(-value)) as Float32Array<ArrayBuffer>;
      },
    },
  };
}

/** A vector of packed values, which stays f32 on the GPU: no kernel reads groups of it. */
function packedVector({ name, tensor, shape, start, end, offset }: NamedTensor): StoredTensor {
  const [width = 1] = shape;
  const decode = DECODERS[tensor.type.name as PackedTypeName];
  return {
    name,
    // One row, for the reader of rows; a leading 1 makes no difference to the family.
    shape: [1, width],
    planes: [{ name: tensor.name, file: tensor.file, start, end, role: "values", rowBytes: end - start }],
    encoding: {
      id: tensor.type.name,
      dtype: "F32",
      unpack: ({ planes }) => unpackedRows(decode(planes.values!), 1, width),
    },
    ...(offset !== undefined && { add: -offset }),
  };
}

/**
 * A convolution over two frames, whose file has one tensor for each. Row by row, [3, p, p] of the first and of the second
 * become [3, 2, p, p].
 *
 * @throws FoveaError `bad-weights` for frames of different shapes or types, or a packed type
 */
function twoFrames({ name, tensor, shape }: NamedTensor, frame: GgufTensor): StoredTensor {
  const { type, file } = tensor;
  const isPlain = type.name === "F32" || type.name === "F16" || type.name === "BF16";
  if (!isPlain || frame.type.name !== type.name || !sameShape(frame.shape, tensor.shape) || shape.length !== 5)
    throw badGguf(
      file,
      `tensors ${quoted(tensor.name)} and ${quoted(frame.name)} are ${type.name} ${shapeText(tensor.shape)} and ${frame.type.name} ${shapeText(frame.shape)}; two plain ones of the same shape [out, 3, p, p] are needed`,
    );
  const [rows = 1, , , height = 1, width = 1] = shape;
  const plane = ({ name, file, start, end }: GgufTensor, role: "values" | "second") => ({
    name,
    file,
    start,
    end,
    role,
    rowBytes: (end - start) / rows,
  });
  const dtype = type.name as Dtype;
  return {
    name,
    shape,
    planes: [plane(tensor, "values"), plane(frame, "second")],
    encoding: {
      id: type.name,
      dtype: "F32",
      unpack({ planes }): Float32Array<ArrayBuffer> {
        const frames = [planes.values!, planes.second!].map((bytes) => readNumbers(bytes, { name, dtype }));
        const values = new Float32Array(2 * frames[0]!.length);
        const pixels = height * width;
        for (let channel = 0; channel < frames[0]!.length / pixels; channel++)
          for (const [i, own] of frames.entries())
            values.set(own.subarray(channel * pixels, (channel + 1) * pixels), (2 * channel + i) * pixels);
        return values;
      },
    },
  };
}

/** Row 2 i of a head in the file is row i of the head, row 2 i + 1 is row i + D / 2. */
function rowOrder(rows: number, heads: number): { rowOrder?: RowOrder } {
  const width = rows / heads;
  // A shape that fits no heads is reported when tensors are matched.
  if (!Number.isInteger(width) || width % 2 !== 0) return {};
  return { rowOrder: { order: Array.from({ length: width }, (_, i) => (i >> 1) + (i % 2) * (width / 2)) } };
}
