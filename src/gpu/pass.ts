/**
 * Recording of work. Model code uses `Recorder`. A `Pass` encodes dispatches into one compute pass. A `Rehearsal` only
 * collects the pipelines of the same code, so that they compile before use.
 */
import { alignTo, assert } from "../shared/assert.ts";
import type { BindGroups } from "./bind-groups.ts";
import { type Bindings, type Params, paramsByteLength, type Variant, writeParams } from "./kernel.ts";
import type { Pipelines } from "./pipelines.ts";
import { type Tensor, tensorByteLength } from "./tensor.ts";

/** Kernels choose their variants by these. */
export interface Capabilities {
  /** Subgroup operations and the `subgroup_id` builtin. */
  readonly subgroups: boolean;
  /** Software adapter: barriers are expensive and workgroup memory is no faster than storage. */
  readonly software: boolean;
  /** The matmuls that may use f16: none, those with packed weights, or all. */
  readonly f16: "none" | "packed" | "all";
  /** Kernel -> its fastest measured variant; kernels without a measurement use a heuristic. */
  readonly fastest: Readonly<Record<string, string>>;
}

/** Workgroups along x, y and z. */
export type Grid = readonly [x: number, y?: number, z?: number];

export interface Recorder {
  readonly capabilities: Capabilities;
  /** Adds one dispatch. Tensors have the names of the shader's bindings, parameters those of its `Params`. */
  dispatch<B extends Bindings, P extends Params>(
    variant: Variant<B, P>,
    tensors: { readonly [name in keyof B]: Tensor },
    params: { readonly [name in keyof P]: number },
    grid: Grid,
  ): void;
  /** Copies the elements of `source` to the start of `target`. Ends the compute pass: too expensive for every token. */
  copy(source: Tensor, target: Tensor): void;
}

/** The same recorder, with changed capabilities for the choice of variants. */
export function withCapabilities(recorder: Recorder, changes: Partial<Capabilities>): Recorder {
  return {
    capabilities: { ...recorder.capabilities, ...changes },
    dispatch: (...args) => recorder.dispatch(...args),
    copy: (source, target) => recorder.copy(source, target),
  };
}

/** Collects variants; dispatches nothing. */
export class Rehearsal implements Recorder {
  readonly capabilities: Capabilities;
  readonly variants = new Set<Variant>();

  constructor(capabilities: Capabilities) {
    this.capabilities = capabilities;
  }

  dispatch<B extends Bindings, P extends Params>(variant: Variant<B, P>): void {
    this.variants.add(variant as unknown as Variant);
  }

  copy(): void {}
}

/** Bytes of parameters per submit; a longer recording is split into several submits. */
const PARAMS_BYTES = 1 << 18;

/** The uniform buffer with the parameters of all dispatches between two submits, and its CPU copy. */
export class ParamsSlab {
  readonly buffer: GPUBuffer;
  readonly bytes = new Uint8Array(PARAMS_BYTES);
  readonly view = new DataView(this.bytes.buffer);
  readonly alignment: number;
  used = 0;

  constructor(buffer: GPUBuffer, alignment: number) {
    this.buffer = buffer;
    this.alignment = alignment;
  }

  static readonly byteLength = PARAMS_BYTES;

  hasRoomFor(byteLength: number): boolean {
    return this.used + alignTo(byteLength, this.alignment) <= PARAMS_BYTES;
  }

  /** Reserves bytes and returns their offset. */
  take(byteLength: number): number {
    const offset = this.used;
    this.used += alignTo(byteLength, this.alignment);
    return offset;
  }
}

/** The parts of a device that a pass needs. */
export interface PassHost {
  readonly device: GPUDevice;
  readonly capabilities: Capabilities;
  readonly pipelines: Pipelines;
  readonly bindGroups: BindGroups;
  readonly params: ParamsSlab;
}

/** One command encoder with one compute pass, submitted by `submit`. Made by `Gpu.submit`. */
export class Pass implements Recorder {
  readonly capabilities: Capabilities;
  #host: PassHost;
  #label: string;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #dispatches = 0;
  #submits = 0;

  constructor(host: PassHost, label: string) {
    this.#host = host;
    this.#label = label;
    this.capabilities = host.capabilities;
  }

  /** Number of dispatches and submits of this recording. */
  get counts(): { dispatches: number; submits: number } {
    return { dispatches: this.#dispatches, submits: this.#submits };
  }

  dispatch<B extends Bindings, P extends Params>(
    variant: Variant<B, P>,
    tensors: { readonly [name in keyof B]: Tensor },
    params: { readonly [name in keyof P]: number },
    grid: Grid,
  ): void {
    const { kernel, label } = variant;
    const { device, pipelines, bindGroups, params: slab } = this.#host;
    const [x, y = 1, z = 1] = grid;
    const limit = device.limits.maxComputeWorkgroupsPerDimension;
    assert(x > 0 && y > 0 && z > 0 && Math.max(x, y, z) <= limit, `${label}: grid [${x}, ${y}, ${z}], limit ${limit}`);

    const compiled = pipelines.get(variant as unknown as Variant);
    const paramsBytes = paramsByteLength(kernel.params);
    // Immediates are copied at once, so all of them use the start of the slab.
    let offset = 0;
    if (!compiled.takesImmediates) {
      if (!slab.hasRoomFor(paramsBytes)) this.submit();
      offset = slab.take(paramsBytes);
    }
    writeParams(kernel.params, params, slab.view, offset);
    const bound = Object.keys(kernel.bindings).map((name) => tensors[name] as Tensor);
    this.#encoder ??= device.createCommandEncoder({ label: this.#label });
    this.#pass ??= this.#encoder.beginComputePass({ label: this.#label });
    this.#pass.setPipeline(compiled.pipeline);
    const group = bindGroups.get(compiled, bound, slab.buffer, paramsBytes);
    this.#pass.setBindGroup(0, group, compiled.takesImmediates ? [] : [offset]);
    if (compiled.takesImmediates) this.#pass.setImmediates(0, slab.bytes, 0, paramsBytes);
    this.#pass.dispatchWorkgroups(x, y, z);
    this.#dispatches++;
  }

  copy(source: Tensor, target: Tensor): void {
    this.copyToBuffer(source, target.buffer, target.byteOffset);
  }

  /** Copies a tensor's bytes to any buffer with COPY_DST, such as a staging buffer for readback. */
  copyToBuffer(source: Tensor, target: GPUBuffer, targetOffset = 0): void {
    this.#endPass();
    this.#encoder ??= this.#host.device.createCommandEncoder({ label: this.#label });
    this.#encoder.copyBufferToBuffer(source.buffer, source.byteOffset, target, targetOffset, tensorByteLength(source));
  }

  /** Submits the recording. The queue keeps order, so the buffer of parameters can be reused at once. */
  submit(): void {
    if (!this.#encoder) return;
    const { device, params: slab } = this.#host;
    this.#endPass();
    if (slab.used > 0) device.queue.writeBuffer(slab.buffer, 0, slab.bytes, 0, slab.used);
    slab.used = 0;
    device.queue.submit([this.#encoder.finish()]);
    this.#encoder = undefined;
    this.#submits++;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }
}
