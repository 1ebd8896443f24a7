/** The decoder's table of rotary angles. It follows the length of the sequence where the model's frequencies do. */
import type { Arena } from "../../gpu/arena.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { ropeTable } from "../../kernels/rope.ts";
import type { RopeSpec } from "../../spec/model-spec.ts";

export class RopeTable {
  readonly tensor: Tensor; // [positions, D]
  readonly #gpu: Pick<GpuMemory, "upload">;
  readonly #rope: RopeSpec;
  #turning = 0;

  /** Takes its buffer from `arena`, which owns it. Fits prompts that turn by the plain frequencies. */
  constructor(gpu: Pick<GpuMemory, "upload">, arena: Arena, rope: RopeSpec, positions: number) {
    this.#gpu = gpu;
    this.#rope = rope;
    this.tensor = arena.tensor("RoPE table", [positions, 2 * rope.frequencies.length]);
    this.#upload();
  }

  /**
   * The length by which all rows of a prompt of `length` positions turn; 0 for the model's plain frequencies. Rows of a
   * cache may serve another prompt only if both turn by the same length.
   */
  turningLength(length: number): number {
    const { beyond } = this.#rope;
    return beyond && length > beyond.length ? length : 0;
  }

  /**
   * Makes the table fit a prompt of `length` positions and the tokens after it, for all work submitted from now on. Keys
   * in a cache keep the turn that they have: transformers, too, turns no key again while it decodes.
   */
  fit(length: number): void {
    const turning = this.turningLength(length);
    if (turning === this.#turning) return;
    this.#turning = turning;
    this.#upload();
  }

  #upload(): void {
    const { frequencies, beyond, factor } = this.#rope;
    const frequenciesOf = (position: number) => {
      const length = Math.max(position + 1, this.#turning);
      return beyond && length > beyond.length ? beyond.frequenciesOf(length) : frequencies;
    };
    this.#gpu.upload(this.tensor, ropeTable(this.tensor.shape[0]!, frequenciesOf, factor));
  }
}
