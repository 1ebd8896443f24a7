/** Converts objects with GPU tensors and typed arrays to JSON and back: tensors become indices of a list. */
import type { Tensor } from "../gpu/tensor.ts";
import { isJsonObject } from "../shared/json.ts";

/** Replaces tensors, which are added to `tensors`, and arrays of u32. Omits values that JSON cannot express. */
export function packTensors(value: unknown, tensors: Tensor[]): unknown {
  if (value instanceof Uint32Array) return { $u32: [...value] };
  if (Array.isArray(value)) return value.map((one) => (one === undefined ? { $none: 1 } : packTensors(one, tensors)));
  if (typeof value !== "object" || value === null) return value;
  if (isTensor(value)) {
    tensors.push(value);
    return { $tensor: tensors.length - 1, shape: value.shape, type: value.type };
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, packTensors(one, tensors)]));
}

/**
 * The input of `packTensors`.
 *
 * @param make called with shape and type of each tensor, in the order of the list
 * @throws RangeError for an invalid tensor
 */
export function unpackTensors(packed: unknown, make: (shape: number[], type: "f32" | "u32") => Tensor): unknown {
  if (Array.isArray(packed)) return packed.map((one) => unpackTensors(one, make));
  if (!isJsonObject(packed)) return packed;
  if (packed.$none === 1) return undefined;
  if (Array.isArray(packed.$u32)) return Uint32Array.from(packed.$u32 as number[]);
  if ("$tensor" in packed) {
    const { shape, type } = packed;
    const isShape =
      Array.isArray(shape) && shape.length <= 4 && shape.every((size) => Number.isSafeInteger(size) && size > 0);
    if (!isShape || (type !== "f32" && type !== "u32")) throw new RangeError("a tensor of an unknown type or shape");
    return make(shape, type);
  }
  return Object.fromEntries(Object.entries(packed).map(([name, one]) => [name, unpackTensors(one, make)]));
}

function isTensor(value: object): value is Tensor {
  return "buffer" in value && "byteOffset" in value && "shape" in value && "type" in value;
}
