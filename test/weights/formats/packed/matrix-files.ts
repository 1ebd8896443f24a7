/** Packed matrices of random bytes, one a file: any bits are some matrix. */
import { expect } from "vitest";
import { type RawTensors, rawTensors, type Values } from "../../../reference/packed-formats.ts";
import { decoded, decodeRows, findIn } from "../../../support/packed-tensors.ts";
import { Random } from "../../../support/random.ts";
import { patternBytes, safetensorsFile, type TensorSpec } from "../../safetensors-file.ts";

/** The matrix's module. */
export const MODULE = "model.layers.0.mlp.up_proj";

export const words = (name: string, shape: number[], dtype = "I32"): TensorSpec => {
  const bytes = dtype === "I8" ? 1 : 4;
  return { name, dtype, shape, bytes: patternBytes(bytes * shape.reduce((a, b) => a * b, 1), name.length + shape[0]!) };
};
export const whole = (
  name: string,
  values: readonly number[],
  dtype: "I32" | "I64",
  shape = [values.length],
): TensorSpec => {
  const bytes = dtype === "I64" ? BigInt64Array.from(values, BigInt) : Int32Array.from(values);
  return { name, dtype, shape, bytes: new Uint8Array(bytes.buffer) };
};
export const numbers = (name: string, shape: number[], dtype: "F32" | "F16" | "BF16" = "F16"): TensorSpec => {
  const count = shape.reduce((a, b) => a * b, 1);
  const values = new Random(count + name.length).floats(count, 0.02);
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  // An F16 of any 12 lowest bits and the exponent of 2^-6.
  const bytes =
    dtype === "F32"
      ? new Uint8Array(bits.buffer)
      : new Uint8Array(
          Uint16Array.from(bits, (word) => (dtype === "BF16" ? word >>> 16 : 0x2400 | (word & 0x83ff))).buffer,
        );
  return { name, dtype, shape, bytes };
};
export const order = (columns: number, group: number) =>
  Array.from({ length: columns }, (_, c) => Math.floor(c / group));

/** The one matrix of a file, `MODULE`, has the values of the reference. */
export async function expectValues(
  tensors: TensorSpec[],
  config: object,
  reference: (raw: RawTensors) => Values,
  beside?: Record<string, unknown>,
) {
  const file = safetensorsFile(tensors);
  const found = await findIn(file, config, beside);
  const [tensor, ...others] = decoded(found);
  expect(others).toEqual([]);
  const { rows, columns, at } = reference(rawTensors(file));
  expect(tensor).toMatchObject({ name: `${MODULE}.weight`, shape: [rows, columns] });
  const values = [
    ...Array.from(decodeRows(file, tensor!, 0, 8)),
    ...Array.from(decodeRows(file, tensor!, 8, rows - 8)),
  ];
  // The bias of a packed row may be rounded to f32 once.
  const wrong = values.findIndex((value, i) => {
    const wanted = at(Math.floor(i / columns), i % columns);
    return Math.abs(value - wanted) > 1e-7 * Math.max(1, Math.abs(wanted));
  });
  expect(wrong).toBe(-1);
  return { ...found, tensor: tensor! };
}
