/** One embedding of a view: the class token's row, or the output of a learned query over all rows. */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import { type Matrix, type Tensor, view } from "../../gpu/tensor.ts";
import { attention } from "../../kernels/attention.ts";
import { copyRows } from "../../kernels/copy-rows.ts";
import { layerNorm } from "../../kernels/layer-norm.ts";
import { linear } from "../../kernels/linear.ts";
import type { EncoderSpec, PoolingSpec } from "../../spec/model-spec.ts";
import type { Weights } from "../load/fill.ts";

/** Records the pooling of views into embeddings. Weights belong to the caller. */
export class Pooling {
  readonly spec: PoolingSpec;
  readonly #gpu: Pick<GpuMemory, "upload">;
  readonly #weights: Weights;
  readonly #encoder: EncoderSpec;

  constructor(gpu: Pick<GpuMemory, "upload">, weights: Weights, encoder: EncoderSpec, spec: PoolingSpec) {
    this.#gpu = gpu;
    this.#weights = weights;
    this.#encoder = encoder;
    this.spec = spec;
  }

  /**
   * Records the embedding of one view, before it is scaled to length 1.
   *
   * @param hidden [T, C], the rows of the view after the last block, and after the last norm where there is one
   * @param kept owns the result
   * @param scratch owns intermediate tensors, until the work is submitted
   * @returns [1, E]
   */
  record(recorder: Recorder, hidden: Tensor, { kept, scratch }: { kept: Arena; scratch: Arena }): Tensor {
    const pooled =
      this.spec.kind === "class" ? this.#classRow(recorder, hidden, scratch) : this.#probe(recorder, hidden, scratch);
    const y = kept.tensor("image embedding", [1, this.spec.width]);
    if (this.spec.projects) linear(recorder, { x: pooled, ...this.#layer("projection"), y });
    else copyRows(recorder, { x: pooled, y, xRow: 0, yRow: 0, rows: 1 });
    return y;
  }

  #classRow(recorder: Recorder, hidden: Tensor, scratch: Arena): Tensor {
    const y = scratch.tensor("pooled row", [1, this.#encoder.width]);
    this.#norm(recorder, view(hidden, [1, this.#encoder.width]), y, this.#encoder.eps);
    return y;
  }

  #probe(recorder: Recorder, hidden: Tensor, scratch: Arena): Tensor {
    const { width, heads, mlp, eps } = this.#encoder;
    const rows = hidden.shape[0]!;
    // The query is before the rows, so that one product computes it and their keys and values.
    const x = scratch.tensor("query and rows", [1 + rows, width]);
    copyRows(recorder, { x: this.#weights.get("pool.probe"), y: x, xRow: 0, yRow: 0, rows: 1 });
    copyRows(recorder, { x: hidden, y: x, xRow: 0, yRow: 1, rows });
    const qkv = scratch.tensor("query, keys and values", [1 + rows, 3 * width]);
    linear(recorder, { x, ...this.#layer("qkv"), y: qkv });
    const visible = scratch.tensor("rows that the query sees", [1, 2], "u32");
    this.#gpu.upload(visible, Uint32Array.of(1, 1 + rows));
    const attended = scratch.tensor("attended", [1, width]);
    const [q, k, v] = [0, 1, 2].map((part) => ({ tensor: qkv, stride: 3 * width, offset: part * width }));
    const headWidth = width / heads;
    const shape = { rows: 1, keys: 1 + rows, heads, keyHeads: heads, headWidth, scale: 1 / Math.sqrt(headWidth) };
    attention(recorder, { q: q!, k: k!, v: v!, y: attended, visible, ...shape });
    const y = scratch.tensor("pooled row", [1, width]);
    linear(recorder, { x: attended, ...this.#layer("out"), y });
    const normed = scratch.tensor("pooled row, normed", [1, width]);
    this.#norm(recorder, y, normed, eps);
    const middle = scratch.tensor("pooled row, mlp", [1, mlp.width]);
    linear(recorder, { x: normed, ...this.#layer("fc1"), y: middle, activation: mlp.activation });
    linear(recorder, { x: middle, ...this.#layer("fc2"), y, accumulate: true });
    return y;
  }

  #norm(recorder: Recorder, x: Tensor, y: Tensor, eps: number): void {
    const [weight, bias] = ["weight", "bias"].map((part) => this.#weights.get(`pool.norm.${part}`));
    layerNorm(recorder, { x, weight: weight!, bias: bias!, y, eps });
  }

  #layer(name: string): { weight: Matrix; bias: Tensor | undefined } {
    return { weight: this.#weights.matrix(`pool.${name}.weight`), bias: this.#weights.find(`pool.${name}.bias`) };
  }
}
