/**
 * A GPU that only counts. The same constructors and recording code run against it. A plan of a model's memory therefore
 * equals the allocations of its load to the byte, without a second set of formulas.
 */
import { Arena, type ArenaHost } from "./arena.ts";
import type { Gpu } from "./device.ts";
import type { BufferLimits } from "./limits.ts";
import { type Capabilities, ParamsSlab, type Recorder } from "./pass.ts";

/** The part of a `Gpu` that model code needs to allocate and to record. */
export type GpuMemory = Pick<Gpu, "arena" | "upload"> & { readonly device: { readonly limits: BufferLimits } };

/** The limit of an unknown device. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** Stands in for `Gpu` to count the bytes that code would allocate. */
export class PlanningGpu implements GpuMemory {
  readonly arena: Arena;
  readonly device: { readonly limits: BufferLimits };
  /** Discards all dispatches. */
  readonly recorder: Recorder;
  /** Bytes of the largest buffer so far. */
  largestBytes = 0;

  /** @param limits of the device that is planned for; undefined allows everything */
  constructor(limits: BufferLimits | undefined, capabilities: Partial<Capabilities> = {}) {
    this.device = { limits: limits ?? { maxBufferSize: NO_LIMIT, maxStorageBufferBindingSize: NO_LIMIT } };
    const onBuffer = (size: number) => {
      this.largestBytes = Math.max(this.largestBytes, size);
    };
    this.arena = new Arena(countingHost(this.device.limits, onBuffer));
    this.arena.buffer("params", ParamsSlab.byteLength, 0);
    const none: Capabilities = {
      ...{ subgroups: false, software: false, f16: "none", fastest: {} },
      ...capabilities,
    };
    this.recorder = { capabilities: none, dispatch() {}, copy() {} };
  }

  upload(): void {}
}

function countingHost(limits: BufferLimits, onBuffer: (size: number) => void): ArenaHost {
  const createBuffer = ({ label, size }: GPUBufferDescriptor) => {
    onBuffer(size);
    return { label, size, destroy() {} } as unknown as GPUBuffer;
  };
  const createTexture = () => ({ destroy() {} }) as unknown as GPUTexture;
  return {
    device: { limits, createBuffer, createTexture },
    allowsAnySize: true,
    assertAlive() {},
    onFree() {},
  };
}
