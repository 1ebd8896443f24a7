/** Bind groups over buffers that stay where they are: built once for each pipeline and set of buffers, then reused. */
import type { CompiledPipeline } from "./pipelines.ts";
import type { Tensor } from "./tensor.ts";

export class BindGroups {
  #device: GPUDevice;
  #groups = new Map<string, GPUBindGroup>();
  #bufferIds = new WeakMap<GPUBuffer, number>();
  #keysOfBuffer = new Map<number, Set<string>>();
  #nextId = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Live bind groups; tests check that it stays flat. */
  get size(): number {
    return this.#groups.size;
  }

  /**
   * A bind group of `tensors` and then, unless the pipeline takes immediates, the uniform `params`. A tensor is bound from
   * its offset to the end of its buffer, so that a view of another length reuses the group.
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

  /** Forgets the groups that bind this buffer. */
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
