/** Tensors of f16, as caches of keys and values hold them. */
import type { Gpu } from "../../src/gpu/device.ts";
import { readTensor } from "../../src/gpu/readback.ts";
import { type Tensor, tensorByteLength } from "../../src/gpu/tensor.ts";
import { halfBits } from "../../src/shared/half.ts";
import { elementCount, type Shape } from "../../src/shared/shape.ts";
import { f16ToNumber, roundToF16 } from "../reference/weight-unpack.ts";

/** The f16 next to each value. */
export function roundToHalves(values: Float32Array): Float32Array {
  return values.map(roundToF16);
}

/** A tensor of f16 with these values; NaN stays NaN. Their number is even. */
export function halfTensor(gpu: Gpu, shape: Shape, values: ArrayLike<number>): Tensor {
  const tensor = gpu.arena.tensor("input", shape, "f16");
  const halves = new Uint16Array(tensorByteLength(tensor) / 2);
  for (let i = 0; i < values.length; i++) halves[i] = Number.isNaN(values[i]) ? 0x7e00 : halfBits(values[i]!);
  gpu.upload(tensor, new Uint32Array(halves.buffer));
  return tensor;
}

/** The values of a tensor of f16. */
export async function readHalves(gpu: Gpu, tensor: Tensor): Promise<Float32Array> {
  const words = await readTensor(gpu, { ...tensor, shape: [tensorByteLength(tensor) / 4], type: "u32" });
  const halves = new Uint16Array(words.buffer, words.byteOffset, elementCount(tensor.shape));
  return Float32Array.from(halves, f16ToNumber);
}

/** The values of a cache of either type. */
export function readCache(gpu: Gpu, tensor: Tensor): Promise<Float32Array> {
  return tensor.type === "f16" ? readHalves(gpu, tensor) : (readTensor(gpu, tensor) as Promise<Float32Array>);
}
