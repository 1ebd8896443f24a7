/** Memory as on a device that binds only small buffers, for matrices that are to lie in several. */
import { Arena } from "../../src/gpu/arena.ts";
import type { Gpu } from "../../src/gpu/device.ts";

/** Buffers of the device itself, of at most `limit` bytes. The caller disposes of it. */
export function smallArena(gpu: Gpu, limit: number): Arena {
  const limits = { maxBufferSize: 2 * limit, maxStorageBufferBindingSize: limit };
  const createBuffer = (descriptor: GPUBufferDescriptor) => gpu.device.createBuffer(descriptor);
  return new Arena({
    device: { limits, createBuffer } as unknown as GPUDevice,
    assertAlive: () => gpu.assertAlive(),
    onFree: (buffer) => gpu.bindGroups.forget(buffer),
  });
}
