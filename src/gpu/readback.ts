/** Copies of GPU values on this side. Nothing else reads the GPU's memory. */
import { FoveaError } from "../errors.ts";
import type { Gpu } from "./device.ts";
import type { Pass } from "./pass.ts";
import { type Tensor, tensorByteLength } from "./tensor.ts";

/**
 * A staging buffer that a pass copies tensors into and that is mapped once the pass has run. Owns its buffer until
 * `dispose`; may be used again after each `read`.
 */
export class Readback {
  #gpu: Gpu;
  #buffer: GPUBuffer;
  #used = 0;

  constructor(gpu: Gpu, byteLength: number) {
    this.#gpu = gpu;
    this.#buffer = gpu.arena.buffer("readback", byteLength, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  }

  /** Records the copy of one more tensor, behind those recorded before. */
  record(pass: Pass, tensor: Tensor): void {
    pass.copyToBuffer(tensor, this.#buffer, this.#used);
    this.#used += tensorByteLength(tensor);
  }

  /**
   * The bytes recorded, once the submitted work is done. Throws FoveaError `device-lost` rather than return the zeros
   * that the map of a lost device can yield.
   */
  async read(): Promise<ArrayBuffer> {
    const byteLength = this.#used;
    this.#used = 0;
    try {
      await this.#buffer.mapAsync(GPUMapMode.READ, 0, byteLength);
    } catch (cause) {
      this.#gpu.assertAlive();
      // The loss of a device rejects its maps before it is told to those who wait for `lost`.
      throw new FoveaError("device-lost", "the GPU device was lost while its results were read", { cause });
    }
    this.#gpu.assertAlive();
    const bytes = this.#buffer.getMappedRange(0, byteLength).slice(0);
    this.#buffer.unmap();
    return bytes;
  }

  dispose(): void {
    this.#gpu.arena.free(this.#buffer);
  }
}

/** Packed weights come as their words. */
const ARRAYS = {
  f32: Float32Array,
  u32: Uint32Array,
  i32: Int32Array,
  f16: Uint32Array,
  q8: Uint32Array,
  q4: Uint32Array,
} as const;
type Values<T extends Tensor> = InstanceType<(typeof ARRAYS)[T["type"]]>;

/** The values of one tensor, after all work submitted so far. Throws as `Readback.read`. */
export async function readTensor<T extends Tensor>(gpu: Gpu, tensor: T): Promise<Values<T>> {
  const readback = new Readback(gpu, tensorByteLength(tensor));
  try {
    gpu.submit("read", (pass) => readback.record(pass, tensor));
    return new ARRAYS[tensor.type](await readback.read()) as Values<T>;
  } finally {
    readback.dispose();
  }
}

/** The values of an f32 tensor; see `readTensor`. */
export async function readFloats(gpu: Gpu, tensor: Tensor): Promise<Float32Array> {
  return (await readTensor(gpu, tensor)) as Float32Array;
}
