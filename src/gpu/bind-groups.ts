/** Bind groups over long-lived buffers: built once per pipeline and set of buffers, then reused. */
import type { CompiledPipeline } from "./pipelines.ts";
import type { Tensor } from "./tensor.ts";

/** A cache of bind groups, by pipeline and buffers. Groups of a destroyed buffer are dropped. */
export class BindGroups {
  #device: GPUDevice;
  #groups = new Map<string, GPUBindGroup>();
  #bufferIds = new WeakMap<GPUBuffer, number>();
  #keysOfBuffer = new Map<number, Set<string>>();
  #nextId = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Number of live bind groups; tests check that it stays constant. */
  get size(): number {
    return this.#groups.size;
  }

  /**
   * A bind group of `tensors`, then the uniform `params` unless the pipeline takes immediates. Tensors are bound from their
   * offset to the end of the buffer, so that views of another length reuse the group.
   */
  get(compiled: CompiledPipeline, tensors: readonly Tensor[], params: GPUBuffer, paramsBytes: number): GPUBindGroup {
    let key = `${compiled.id}:${this.#idOf(params)}`;
    for (const { buffer, byteOffset } of tensors) key += `,${this.#idOf(buffer)}@${byteOffset}`;
    const known = this.#groups.get(key);
    if (known) return known;
    const entries: GPUBindGroupEntry[] = tensors.map(({ buffer, byteOffset }, binding) => ({
      binding,
      resource: { buffer, offset: byteOffset },
    }));
    if (!compiled.takesImmediates)
      entries.push({ binding: tensors.length, resource: { buffer: params, size: paramsBytes } });
    const group = this.#device.createBindGroup({ layout: compiled.layout, entries });
    this.#groups.set(key, group);
    for (const { buffer } of tensors) this.#keysOfBuffer.get(this.#idOf(buffer))?.add(key);
    return group;
  }

  /** Drops the groups that bind this buffer. */
  forget(buffer: GPUBuffer): void {
    const id = this.#bufferIds.get(buffer);
    if (id === undefined) return;
    for (const key of this.#keysOfBuffer.get(id) ?? []) this.#groups.delete(key);
    this.#keysOfBuffer.delete(id);
    this.#bufferIds.delete(buffer);
  }

  #idOf(buffer: GPUBuffer): number {
    const known = this.#bufferIds.get(buffer);
    if (known !== undefined) return known;
    const id = this.#nextId++;
    this.#bufferIds.set(buffer, id);
    this.#keysOfBuffer.set(id, new Set());
    return id;
  }
}
