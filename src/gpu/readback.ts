/** Readback: copies GPU values to the CPU. Nothing else reads GPU memory. */
import { FoveaError } from "../errors.ts";
import type { Gpu } from "./device.ts";
import type { Pass } from "./pass.ts";
import { isPacked, type Tensor, tensorByteLength } from "./tensor.ts";

/**
 * A staging buffer: a pass copies tensors into it, and it is mapped once the pass has run. Owns its buffer until `dispose`.
 * Reusable after each `read`.
 */
export class Readback {
  #gpu: Gpu;
  #buffer: GPUBuffer;
  #used = 0;

  constructor(gpu: Gpu, byteLength: number) {
    this.#gpu = gpu;
    this.#buffer = gpu.arena.buffer("readback", byteLength, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  }

  /** Records the copy of one more tensor, after the earlier ones. */
  record(pass: Pass, tensor: Tensor): void {
    pass.copyToBuffer(tensor, this.#buffer, this.#used);
    this.#used += tensorByteLength(tensor);
  }

  /**
   * The recorded bytes, once the submitted work is done. Throws FoveaError `device-lost` instead of returning zeros, which
   * the map of a lost device can yield.
   */
  async read(): Promise<ArrayBuffer> {
    const byteLength = this.#used;
    this.#used = 0;
    try {
      await this.#gpu.waitFor(this.#buffer.mapAsync(GPUMapMode.READ, 0, byteLength));
    } catch (cause) {
      this.#gpu.assertAlive();
      // A lost device rejects its maps before `lost` resolves.
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

/** Packed weights are read as words. */
const ARRAYS = {
  f32: Float32Array,
  u32: Uint32Array,
  i32: Int32Array,
} as const;
type ArrayOf<T> = T extends keyof typeof ARRAYS ? InstanceType<(typeof ARRAYS)[T]> : Uint32Array<ArrayBuffer>;
type Values<T extends Tensor> = ArrayOf<T["type"]>;

/** The values of one tensor, after all work submitted so far. Throws like `Readback.read`. */
export async function readTensor<T extends Tensor>(gpu: Gpu, tensor: T): Promise<Values<T>> {
  const readback = new Readback(gpu, tensorByteLength(tensor));
  try {
    gpu.submit("read", (pass) => readback.record(pass, tensor));
    const { type } = tensor;
    return new (isPacked(type) ? Uint32Array : ARRAYS[type])(await readback.read()) as Values<T>;
  } finally {
    readback.dispose();
  }
}

/** The values of an f32 tensor; see `readTensor`. */
export async function readFloats(gpu: Gpu, tensor: Tensor): Promise<Float32Array> {
  return (await readTensor(gpu, tensor)) as Float32Array;
}
