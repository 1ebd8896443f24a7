/** The connector: turns the encoder's features into rows of the decoder's width, by the steps that the spec lists. */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { copyOf, copyRows } from "../../kernels/copy-rows.ts";
import { layerNorm } from "../../kernels/layer-norm.ts";
import { linear } from "../../kernels/linear.ts";
import { pool } from "../../kernels/pool.ts";
import { rmsNorm } from "../../kernels/rms-norm.ts";
import type { ConnectorStep } from "../../spec/model-spec.ts";
import { QUERIES } from "../late-parts.ts";
import type { Weights } from "../load/fill.ts";
import type { QueriedViews } from "./queries.ts";

interface Arenas {
  /** Owns the result. */
  kept: Arena;
  /** Owns intermediate tensors, until the work is submitted. */
  scratch: Arena;
}

/** Records the connector's steps. Weights and buffers belong to the caller. */
export class Connector {
  readonly #gpu: Pick<GpuMemory, "upload">;
  readonly #steps: readonly ConnectorStep[];
  readonly #weights: Weights;

  constructor(gpu: Pick<GpuMemory, "upload">, weights: Weights, steps: readonly ConnectorStep[]) {
    this.#gpu = gpu;
    this.#weights = weights;
    this.#steps = steps;
  }

  /**
   * Records all steps. Cells are in order and the seats of a cell are neighbours, so folding only changes the shape.
   *
   * @param features [cells * seats, C], with learned queries [B * (first + cells), C]
   * @returns [cells, W], with learned queries [B * rows, W]
   */
  record(recorder: Recorder, features: Tensor, views: QueriedViews, { kept, scratch }: Arenas): Tensor {
    // The features themselves are rows of the decoder's width.
    if (this.#steps.length === 0) return copyOf(recorder, features, kept, "image tokens");
    let x = features;
    for (const [i, step] of this.#steps.entries()) {
      const [rows, width] = x.shape as [number, number];
      if (step.op === "fold") {
        const seats = step.strip ?? step.factor ** 2;
        x = view(x, [rows / seats, width * seats]);
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
      const isLast = i + 1 === this.#steps.length;
      if (step.op === "norm") {
        const y = (isLast ? kept : scratch).tensor("connector rows", [rows, width]);
        const norm = { x, weight: this.#weights.get(`${step.slot}.weight`), y, eps: step.eps };
        const bias = this.#weights.find(`${step.slot}.bias`);
        if (bias) layerNorm(recorder, { ...norm, bias });
        else rmsNorm(recorder, norm);
        x = y;
        continue;
      }
      if (step.op === "queries") {
        x = new QUERIES.now.Queries(this.#gpu, this.#weights, step.queries).record(recorder, x, views, scratch);
        continue;
      }
      if (step.op === "append") {
        const y = (isLast ? kept : scratch).tensor("image tokens", [rows + views.count * step.rows, width]);
        this.#append(recorder, x, y, views.count, this.#weights.get(step.slot));
        x = y;
        continue;
      }
      const y = (isLast ? kept : scratch).tensor(isLast ? "image tokens" : "connector rows", [rows, step.width]);
      const weight = this.#weights.matrix(`${step.slot}.weight`);
      const bias = this.#weights.find(`${step.slot}.bias`);
      linear(recorder, { x, weight, bias, y, activation: step.activation });
      x = y;
    }
    return x;
  }

  /** Appends learned rows to the rows of each view. */
  #append(recorder: Recorder, x: Tensor, y: Tensor, views: number, learned: Tensor): void {
    const [each, more] = [x.shape[0]! / views, learned.shape[0]!];
    for (let i = 0; i < views; i++) {
      const yRow = i * (each + more);
      copyRows(recorder, { x, y, xRow: i * each, yRow, rows: each });
      copyRows(recorder, { x: learned, y, xRow: 0, yRow: yRow + each, rows: more });
    }
  }
}
