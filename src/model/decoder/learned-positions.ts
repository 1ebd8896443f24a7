/** Learned vectors of positions, which are added to the hidden states before the first layer. */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { mixRows } from "../../kernels/mix-rows.ts";
import type { Weights } from "../load/fill.ts";

/** The table of a decoder's learned positions. */
export class LearnedPositions {
  readonly #weights: Weights;
  readonly #first: number;
  /** A 1 for each row of a chunk. */
  readonly #ones: Tensor; // [R, 1]

  /** Allocates its buffer in `arena`, which owns it. @param first row of the table that position 0 has */
  constructor(
    gpu: Pick<GpuMemory, "upload">,
    arena: Arena,
    weights: Weights,
    { first, chunkRows }: { first: number; chunkRows: number },
  ) {
    this.#weights = weights;
    this.#first = first;
    this.#ones = arena.tensor("weights of positions", [chunkRows, 1]);
    gpu.upload(this.#ones, new Float32Array(chunkRows).fill(1));
  }

  /** Adds the vectors of `positions` [1, T] to the hidden states `y` [T, W]. */
  add(recorder: Recorder, positions: Tensor, y: Tensor): void {
    const rows = positions.shape[1]!;
    mixRows(recorder, {
      x: this.#weights.get("decoder.positions"),
      first: this.#first,
      sources: view(positions, [rows, 1]),
      weights: view(this.#ones, [rows, 1]),
      y,
      accumulate: true,
    });
  }
}
