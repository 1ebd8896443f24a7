/** The limits of a device, without making one. */

/** Limits on the size of buffers. */
export interface BufferLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
}

/** The limits of the adapter that `Gpu.open` uses; undefined without an adapter. */
export async function adapterLimits(): Promise<BufferLimits | undefined> {
  const adapter = await globalThis.navigator?.gpu
    ?.requestAdapter({ powerPreference: "high-performance" })
    .catch(() => null);
  if (!adapter) return undefined;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return { maxBufferSize, maxStorageBufferBindingSize };
}
