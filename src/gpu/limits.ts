/** What a device would allow, without making one. */

/** The limits that decide how large buffers may be. */
export interface BufferLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
}

/** Those of the adapter that `Gpu.open` asks; undefined where there is none. */
export async function adapterLimits(): Promise<BufferLimits | undefined> {
  const adapter = await globalThis.navigator?.gpu
    ?.requestAdapter({ powerPreference: "high-performance" })
    .catch(() => null);
  if (!adapter) return undefined;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return { maxBufferSize, maxStorageBufferBindingSize };
}
