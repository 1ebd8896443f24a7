/** The connector: the encoder's features become rows of the decoder's width, step by step as the spec lists them. */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { layerNorm } from "../../kernels/layer-norm.ts";
import { linear } from "../../kernels/linear.ts";
import { pool } from "../../kernels/pool.ts";
import { rmsNorm } from "../../kernels/rms-norm.ts";
import type { ConnectorStep } from "../../spec/model-spec.ts";
import type { Weights } from "../load/fill.ts";

export class Connector {
  readonly #steps: readonly ConnectorStep[];
  readonly #weights: Weights;

  constructor(weights: Weights, steps: readonly ConnectorStep[]) {
    this.#weights = weights;
    this.#steps = steps;
  }

  /**
   * Records all steps. Cells stand in order, the seats of a cell are neighbours: folding is another shape of the same
   * memory.
   *
   * @param features [cells * seats, C]
   * @param kept owns the result
   * @param scratch owns what is between, until the work is submitted
   * @returns [cells, W]
   */
  record(recorder: Recorder, features: Tensor, { kept, scratch }: { kept: Arena; scratch: Arena }): Tensor {
    let x = features;
    for (const [i, step] of this.#steps.entries()) {
      const [rows, width] = x.shape as [number, number];
      if (step.op === "fold") {
        x = view(x, [rows / step.factor ** 2, width * step.factor ** 2]);
        continue;
      }
      if (step.op === "pool") {
        const { factor } = step;
        const y = scratch.tensor("connector rows", [rows / factor ** 2, width]);
        // A cell is a grid of its own: its mean needs no grid of cells.
        pool(recorder, { x, y, rows: factor, cols: factor, seats: 1, factor, first: 0 });
        x = y;
        continue;
      }
      if (step.op === "norm") {
        const y = scratch.tensor("connector rows", [rows, width]);
        const norm = { x, weight: this.#weights.get(`${step.slot}.weight`), y, eps: step.eps };
        const bias = this.#weights.find(`${step.slot}.bias`);
        if (bias) layerNorm(recorder, { ...norm, bias });
        else rmsNorm(recorder, norm);
        x = y;
        continue;
      }
      const isLast = i + 1 === this.#steps.length;
      const y = (isLast ? kept : scratch).tensor(isLast ? "image tokens" : "connector rows", [rows, step.width]);
      const weight = this.#weights.matrix(`${step.slot}.weight`);
      const bias = this.#weights.find(`${step.slot}.bias`);
      linear(recorder, { x, weight, bias, y, activation: step.activation });
      x = y;
    }
    return x;
  }
}
