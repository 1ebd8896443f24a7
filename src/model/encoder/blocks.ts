/**
 * The blocks of a pre-norm transformer (Dosovitskiy et al. 2021), of pictures or of texts: norm, attention, residual,
 * norm, MLP, residual. The key ranges of rows are data.
 */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import { type Matrix, type Tensor, view } from "../../gpu/tensor.ts";
import { addScaled } from "../../kernels/add-scaled.ts";
import { attention } from "../../kernels/attention.ts";
import { gate } from "../../kernels/gate.ts";
import type { HeadRows } from "../../kernels/heads.ts";
import { layerNorm } from "../../kernels/layer-norm.ts";
import { linear } from "../../kernels/linear.ts";
import { qkNorm } from "../../kernels/qk-norm.ts";
import { rmsNorm } from "../../kernels/rms-norm.ts";
import type { BlocksSpec } from "../../spec/model-spec.ts";
import type { Weights } from "../load/fill.ts";

/**
 * On a device that rounds the operands of products to f16, those of attention and of the patches stay f32. All later
 * layers amplify errors of the first ones, and softmax amplifies those of queries and keys. NMSE of the logits of the
 * three golden checkpoints, of random weights, when the f64 references round operands to f16:
 *
 *     of all products                          6.0e-5  2.1e-5  3.1e-5
 *     the same, weights only                   2.7e-5  0       0       (f16 holds those of bf16 and f16 files)
 *     the same, activations only               4.1e-5  2.1e-5  3.1e-5
 *     activations of the patches only          1.5e-5  9.6e-6  1.2e-5
 *     those of queries only                    7.0e-6  8.3e-6  9.5e-6
 *     those of keys only                       9.3e-6  5.2e-6  1.6e-5
 *     those of values, out, fc1 or fc2 only    up to 2.5e-6 each
 *     those of the connector and the decoder   up to 1.4e-6 in all
 *     of all but patches                       3.9e-5  2.1e-5  4.1e-5
 *     of all but queries, keys, values         4.0e-5  1.5e-5  2.1e-5
 *     of all but both                          1.2e-5  7.1e-6  6.7e-6
 *     of all but both and out                  5.9e-6  3.6e-6  4.7e-6  (taken: a third of a block's products)
 */
const EXACT_ATTENTION = true;

/** Buffers of the blocks: R rows in all. */
export interface BlocksWorkspace {
  normed: Tensor; // [R, C]
  qkv: Tensor; // [R, 3 * C]
  attended: Tensor; // [R, C]
  mlp: Tensor; // [R, F]
  /** For a gated MLP. */
  gateUp: Tensor | undefined; // [R, 2 * F]
  logSumExp: Tensor; // [R, H]
}

/** Queries, keys and values of a block as its attention reads them. */
export interface Operands {
  q: HeadRows; // R rows
  k: HeadRows; // R rows
  v: HeadRows; // R rows
}

export interface AttendArgs {
  block: number;
  hidden: Tensor; // [rows, C]
  /** Key range of each row. */
  visible: Tensor; // [rows, 2] u32
  /** Turns queries and keys. */
  rotary?: { turn(recorder: Recorder, qkv: Tensor): Operands } | undefined;
}

/** Records attention and MLP of single blocks. Weights and workspace belong to the caller. */
export class Blocks {
  readonly spec: BlocksSpec;
  readonly #weights: Weights;
  readonly #name: string;

  /** @param name of the tower, before "blocks" in the names of its tensors */
  constructor(weights: Weights, name: string, spec: BlocksSpec) {
    this.#weights = weights;
    this.#name = name;
    this.spec = spec;
  }

  /** Heads of the packed product, for kernels. */
  get heads(): { heads: number; headWidth: number; scale: number } {
    const { width, heads } = this.spec;
    const headWidth = width / heads;
    return { heads, headWidth, scale: 1 / Math.sqrt(headWidth) };
  }

  /** Queries, keys and values in the packed product. */
  #packed(qkv: Tensor): Operands {
    const { width } = this.spec;
    const part = (index: number): HeadRows => ({ tensor: qkv, stride: 3 * width, offset: index * width });
    return { q: part(0), k: part(1), v: part(2) };
  }

  workspace(arena: Arena, rows: number): BlocksWorkspace {
    const { width, mlp, heads } = this.spec;
    return {
      normed: arena.tensor(`${this.#name} normed`, [rows, width]),
      qkv: arena.tensor(`${this.#name} qkv`, [rows, 3 * width]),
      attended: arena.tensor(`${this.#name} attended`, [rows, width]),
      mlp: arena.tensor(`${this.#name} mlp`, [rows, mlp.width]),
      gateUp: mlp.gated && arena.tensor(`${this.#name} gate and up`, [rows, 2 * mlp.width]),
      logSumExp: arena.tensor(`${this.#name} log-sum-exp`, [rows, heads]),
    };
  }

  /**
   * Adds attention to `hidden` [rows, C] in place. The result and the log-sum-exp stay in memory until the next block.
   */
  attend(recorder: Recorder, space: BlocksWorkspace, { block, hidden, visible, rotary }: AttendArgs): Operands {
    const { width, heads } = this.spec;
    const rows = hidden.shape[0]!;
    const normed = view(space.normed, [rows, width]);
    const qkv = view(space.qkv, [rows, 3 * width]);
    const y = view(space.attended, [rows, width]);
    const logSumExp = view(space.logSumExp, [rows, heads]);
    this.norm(recorder, `${this.#name}.blocks.${block}.norm1`, hidden, normed);
    linear(recorder, { x: normed, ...this.#layer(block, "qkv"), y: qkv, exact: EXACT_ATTENTION });
    if (this.spec.qkNorm) this.#normQueries(recorder, block, qkv);
    const operands = rotary ? rotary.turn(recorder, qkv) : this.#packed(qkv);
    attention(recorder, { ...operands, y, logSumExp, visible, rows, keys: rows, ...this.heads, keyHeads: heads });
    this.#add(recorder, space, { block, part: "out", x: y, hidden, scale: "scale1" });
    return operands;
  }

  /** Adds the MLP to `hidden` [rows, C] in place. */
  mlp(recorder: Recorder, space: BlocksWorkspace, block: number, hidden: Tensor): void {
    const { width, mlp } = this.spec;
    const rows = hidden.shape[0]!;
    const normed = view(space.normed, [rows, width]);
    const middle = view(space.mlp, [rows, mlp.width]);
    this.norm(recorder, `${this.#name}.blocks.${block}.norm2`, hidden, normed);
    const { activation } = mlp;
    if (space.gateUp) {
      const gateUp = view(space.gateUp, [rows, 2 * mlp.width]);
      linear(recorder, { x: normed, ...this.#layer(block, "fc1"), y: gateUp });
      gate(recorder, { gateUp, activation, y: middle });
    } else linear(recorder, { x: normed, ...this.#layer(block, "fc1"), y: middle, activation });
    this.#add(recorder, space, { block, part: "fc2", x: middle, hidden, scale: "scale2" });
  }

  /** hidden += a product with a half's last layer, scaled where the model scales it. */
  #add(
    recorder: Recorder,
    space: BlocksWorkspace,
    half: { block: number; part: "out" | "fc2"; x: Tensor; hidden: Tensor; scale: string },
  ): void {
    const { block, part, x, hidden } = half;
    const exact = part === "out" && EXACT_ATTENTION;
    if (!this.spec.layerScale) {
      linear(recorder, { x, ...this.#layer(block, part), y: hidden, accumulate: true, exact });
      return;
    }
    const y = view(space.normed, hidden.shape);
    linear(recorder, { x, ...this.#layer(block, part), y, exact });
    addScaled(recorder, { x: y, scale: this.#weights.get(`${this.#name}.blocks.${block}.${half.scale}`), y: hidden });
  }

  #normQueries(recorder: Recorder, block: number, qkv: Tensor): void {
    const name = `${this.#name}.blocks.${block}`;
    const { heads, headWidth } = this.heads;
    qkNorm(recorder, {
      queryWeight: this.#weights.get(`${name}.qNorm.weight`),
      keyWeight: this.#weights.get(`${name}.kNorm.weight`),
      eps: this.spec.eps,
      heads,
      keyHeads: heads,
      headWidth,
      qkv,
    });
  }

  #layer(block: number, part: string): { weight: Matrix; bias: Tensor | undefined } {
    const name = `${this.#name}.blocks.${block}.${part}`;
    return { weight: this.#weights.matrix(`${name}.weight`), bias: this.#weights.find(`${name}.bias`) };
  }

  /** A norm of the tower, by the full name of its tensors; `x` and `y` [R, C]. @param eps default that of the blocks */
  norm(recorder: Recorder, name: string, x: Tensor, y: Tensor, eps = this.spec.eps): void {
    const weight = this.#weights.get(`${name}.weight`);
    const bias = this.#weights.find(`${name}.bias`);
    if (bias) layerNorm(recorder, { x, weight, bias, y, eps });
    else rmsNorm(recorder, { x, weight, y, eps });
  }
}
