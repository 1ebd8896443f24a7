/** A checkpoint of packed matrices in memory, with an encoding of the test's own: planes as the decoder returns them. */
import { memorySource } from "../../src/weights/byte-source.ts";
import type { Checkpoint } from "../../src/weights/checkpoint.ts";
import type { PackedEncoding, PackedLayout, PlaneRole, StoredRows } from "../../src/weights/formats/encoding.ts";
import { type PackedRows, sliceRows } from "../../src/weights/formats/packed-rows.ts";
import type { Plane, RowOrder, StoredTensor } from "../../src/weights/formats/stored-tensor.ts";

const FILE = "packed.bin";

export interface TestTensor {
  name: string;
  shape: readonly number[];
  /** Packed rows and their layout, or f32 values. */
  packed?: PackedRows;
  layout?: PackedLayout;
  values?: Float32Array;
  rowOrder?: RowOrder;
  /** Order of the planes in the file; default values, scales, biases. */
  planes?: readonly PlaneRole[];
  /** Planes without a length of rows, which are read as a whole. */
  whole?: readonly PlaneRole[];
}

/** Decodes planes of f32 scales and biases that are what they become. */
function testEncoding(layout: PackedLayout, whole: readonly PlaneRole[] = []): PackedEncoding {
  return {
    id: `int${layout.bits} g${layout.group}`,
    layout,
    decode({ first, count, rows, planes }: StoredRows): PackedRows {
      const rowsOf = (role: PlaneRole) => {
        const bytes = planes[role]!;
        if (!whole.includes(role)) return bytes.slice();
        const width = bytes.byteLength / rows;
        return bytes.slice(first * width, (first + count) * width);
      };
      const { bits, group, bias } = layout;
      const floats = (role: PlaneRole) => new Float32Array(rowsOf(role).buffer);
      const biases = bias === "none" ? {} : { biases: floats("biases") };
      return { bits, group, integers: rowsOf("values"), scales: floats("scales"), ...biases };
    },
  };
}

/** Decodes a plane of integers; what else rows have does not come from the file. */
function nestedEncoding(layout: PackedLayout, packed: PackedRows): PackedEncoding {
  return {
    id: `int${layout.bits} g${layout.group}`,
    layout,
    decode({ first, count, rows, planes }: StoredRows): PackedRows {
      return { ...sliceRows(packed, rows, first, first + count), integers: planes.values!.slice() };
    },
  };
}

/** A checkpoint of these tensors in one file in memory. */
export function packedCheckpoint(tensors: readonly TestTensor[]): Checkpoint {
  const chunks: Uint8Array[] = [];
  let at = 0;
  const stored = tensors.map((tensor): StoredTensor => {
    const { name, shape, packed, layout, values, rowOrder, whole = [] } = tensor;
    const { scales, biases } = packed ?? {};
    const bytes: Partial<Record<PlaneRole, Uint8Array>> = {
      values: packed?.integers ?? new Uint8Array(values!.slice().buffer),
      ...(scales instanceof Float32Array && { scales: new Uint8Array(scales.slice().buffer) }),
      ...(biases instanceof Float32Array && { biases: new Uint8Array(biases.slice().buffer) }),
    };
    const order = (tensor.planes ?? ["values", "scales", "biases"]).filter((role) => bytes[role]);
    const planes = order.map((role): Plane => {
      const { byteLength } = bytes[role]!;
      chunks.push(bytes[role]!);
      const plane = { name: `${name}.${role}`, file: FILE, start: at, end: at + byteLength, role };
      at += byteLength;
      return whole.includes(role) ? plane : { ...plane, rowBytes: byteLength / shape[0]! };
    });
    const encoding = !layout
      ? ({ id: "F32", dtype: "F32" } as const)
      : packed && !bytes.scales
        ? nestedEncoding(layout, packed)
        : testEncoding(layout, whole);
    return { name, shape, encoding, planes, ...(rowOrder && { rowOrder }) };
  });
  const file = new Uint8Array(at);
  let filled = 0;
  for (const chunk of chunks) {
    file.set(chunk, filled);
    filled += chunk.byteLength;
  }
  const map = new Map(stored.map((tensor) => [tensor.name, tensor]));
  return { tensors: map, files: new Map([[FILE, memorySource(FILE, file)]]), byteLength: at };
}
