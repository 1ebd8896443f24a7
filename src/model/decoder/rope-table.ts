/** The decoder's table of rotary angles. It depends on the length of the sequence where the model's frequencies do. */
import type { Arena } from "../../gpu/arena.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { ropeTable, tableColumns } from "../../kernels/rope.ts";
import type { RopeSpec } from "../../spec/rope-spec.ts";

/** A table on the GPU, uploaded again when the sequence needs other frequencies. */
export class RopeTable {
  readonly tensor: Tensor; // [positions, D], with growth [positions, D + 4]
  readonly #gpu: Pick<GpuMemory, "upload">;
  readonly #rope: RopeSpec;
  #turning = 0;

  /** Takes its buffer from `arena`, which owns it. Starts with the plain frequencies. */
  constructor(gpu: Pick<GpuMemory, "upload">, arena: Arena, rope: RopeSpec, positions: number) {
    this.#gpu = gpu;
    this.#rope = rope;
    this.tensor = arena.tensor("RoPE table", [positions, tableColumns(2 * rope.frequencies.length, this.grows)]);
    this.#upload();
  }

  /** True if queries grow with their position. */
  get grows(): boolean {
    return this.#rope.growth !== undefined;
  }

  /**
   * The length that sets the frequencies of a prompt; 0 for the model's plain frequencies. A cache may serve another
   * prompt only if both have the same length.
   *
   * @param positions of the prompt
   * @param generated tokens after it, so far
   */
  turningLength(positions: number, generated = 0): number {
    const { beyond } = this.#rope;
    if (!beyond) return 0;
    const length = beyond.turnsAnew ? positions + generated : positions;
    if (length <= beyond.length) return 0;
    // If frequencies do not change with each position, all longer sequences share them.
    return beyond.turnsAnew ? beyond.length + 1 : length;
  }

  /**
   * Fits the table to a prompt and the tokens after it, for all work submitted from now on. Keys in a cache keep their
   * rotation; transformers also leaves them while it decodes.
   */
  fit(positions: number, generated = 0): void {
    const turning = this.turningLength(positions, generated);
    if (turning === this.#turning) return;
    this.#turning = turning;
    this.#upload();
  }

  /**
   * True if a sequence of `length` positions needs new rotations of all rows, and the table is not yet fitted to it.
   */
  isOutgrownBy(length: number): boolean {
    const { beyond } = this.#rope;
    return !!beyond?.turnsAnew && length > beyond.length && this.#turning === 0;
  }

  #upload(): void {
    const { frequencies, beyond, factor, growth } = this.#rope;
    const frequenciesOf = (position: number) => {
      const length = beyond?.keepsPrompt ? this.#turning : Math.max(position + 1, this.#turning);
      return beyond && length > beyond.length ? beyond.frequenciesOf(length) : frequencies;
    };
    const growthOf = growth && ((position: number) => growthAt(position, growth));
    this.#gpu.upload(this.tensor, ropeTable(this.tensor.shape[0]!, frequenciesOf, factor, growthOf));
  }
}

/** The factor on the queries of a position, see `RopeSpec.growth`. */
function growthAt(position: number, { length, rate }: NonNullable<RopeSpec["growth"]>): number {
  if (rate === "log") return position < length ? 1 : Math.log(position + 1) / Math.log(length);
  return 1 + rate * Math.log1p(Math.floor(position / length));
}
