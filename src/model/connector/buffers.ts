/** Tensors of one recording that its steps use in turn: one for each label and shape. */
import type { Arena } from "../../gpu/arena.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import type { Shape } from "../../shared/shape.ts";

/** Tensors by label and shape, allocated at first use. */
export class Buffers {
  readonly #gpu: Pick<GpuMemory, "upload">;
  readonly #arena: Arena;
  readonly #known = new Map<string, Tensor>();

  /** @param arena owns the tensors, until the work is submitted */
  constructor(gpu: Pick<GpuMemory, "upload">, arena: Arena) {
    this.#gpu = gpu;
    this.#arena = arena;
  }

  /** A tensor whose earlier content has been read. */
  tensor(label: string, shape: Shape): Tensor {
    return this.#get(label, shape, () => this.#arena.tensor(label, shape));
  }

  /** A tensor of constant values, uploaded once for each label and shape. */
  upload(label: string, shape: Shape, values: Uint32Array | Float32Array): Tensor {
    return this.#get(label, shape, () => {
      const tensor = this.#arena.tensor(label, shape, values instanceof Uint32Array ? "u32" : "f32");
      this.#gpu.upload(tensor, values);
      return tensor;
    });
  }

  #get(label: string, shape: Shape, make: () => Tensor): Tensor {
    const key = `${label} ${shape.join()}`;
    const tensor = this.#known.get(key) ?? make();
    this.#known.set(key, tensor);
    return tensor;
  }
}
