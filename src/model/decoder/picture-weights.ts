/** Norms, keys and values with weights of their own for picture rows; they replace those by the weights of text. */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { copyRows } from "../../kernels/copy-rows.ts";
import { linear } from "../../kernels/linear.ts";
import { rmsNorm } from "../../kernels/rms-norm.ts";
import type { DecoderSpec } from "../../spec/model-spec.ts";
import type { Weights } from "../load/fill.ts";

/** A run of picture rows in a chunk. */
export interface ChunkRun {
  first: number;
  count: number;
}

/** Records norms, keys and values of picture rows. Its buffers lie in the decoder's arena. */
export class PictureWeights {
  readonly #weights: Weights;
  readonly #eps: number;
  readonly #rows: Tensor; // [R, W]
  readonly #normed: Tensor; // [R, W]
  readonly #keyValues: Tensor; // [R, 2 Hk D]

  /** Takes its buffers from `arena`, which owns them. @param chunkRows R */
  constructor(arena: Arena, weights: Weights, { width, layers, eps }: DecoderSpec, chunkRows: number) {
    this.#weights = weights;
    this.#eps = eps;
    const widest = Math.max(
      ...layers.map(({ attention }) => (attention ? attention.keyHeads * attention.headWidth : 1)),
    );
    this.#rows = arena.tensor("picture rows", [chunkRows, width]);
    this.#normed = arena.tensor("picture rows, normed", [chunkRows, width]);
    this.#keyValues = arena.tensor("picture rows, keys and values", [chunkRows, 2 * widest]);
  }

  /** Norms the rows of pictures again, from `x` [T, W] to `y` [T, W]. @param name of the norm of text */
  norm(recorder: Recorder, name: string, x: Tensor, y: Tensor, runs: readonly ChunkRun[]): void {
    if (runs.length === 0) return;
    const weight = this.#weights.get(`${name}.pictures.weight`);
    for (const { first, count } of runs) {
      const [rows, normed] = [this.#rows, this.#normed].map((all) => view(all, [count, x.shape[1]!]));
      copyRows(recorder, { x, y: rows!, xRow: first, yRow: 0, rows: count });
      rmsNorm(recorder, { x: rows!, weight, eps: this.#eps, y: normed! });
      copyRows(recorder, { x: normed!, y, xRow: 0, yRow: first, rows: count });
    }
  }

  /**
   * Computes the keys and values of picture rows again.
   *
   * @param layer name of the layer
   * @param x normed rows [T, W]
   * @param qkv queries, keys and values of the rows [T, (H + 2 Hk) D]
   */
  keyValues(recorder: Recorder, layer: string, x: Tensor, qkv: Tensor, runs: readonly ChunkRun[]): void {
    const weight = this.#weights.matrix(`${layer}.keyValue.pictures.weight`);
    const width = weight.shape[0]!;
    for (const { first, count } of runs) {
      const rows = view(this.#rows, [count, x.shape[1]!]);
      const made = view(this.#keyValues, [count, width]);
      copyRows(recorder, { x, y: rows, xRow: first, yRow: 0, rows: count });
      linear(recorder, { x: rows, weight, y: made });
      copyRows(recorder, { x: made, y: qkv, xRow: 0, yRow: first, rows: count, yColumn: qkv.shape[1]! - width });
    }
  }
}
