/**
 * Learned queries read the rows of a view by cross-attention: resamplers, and transformers of queries. The steps are
 * data (spec/query-spec.ts). All tensors of a batch are allocated once and shared by all steps.
 */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import { type Matrix, type Tensor, view } from "../../gpu/tensor.ts";
import { attention } from "../../kernels/attention.ts";
import { copyRows } from "../../kernels/copy-rows.ts";
import { gate } from "../../kernels/gate.ts";
import type { HeadRows } from "../../kernels/heads.ts";
import { layerNorm } from "../../kernels/layer-norm.ts";
import { linear } from "../../kernels/linear.ts";
import { tokenEmbed } from "../../kernels/token-embed.ts";
import { assert } from "../../shared/assert.ts";
import type { QueriesSpec, QueryAttention, QueryMlp, QueryNorm } from "../../spec/query-spec.ts";
import type { Weights } from "../load/fill.ts";
import { Buffers } from "./buffers.ts";
import { addPositions, type FeaturePlaces } from "./feature-positions.ts";

/** The features that queries read. */
export interface QueriedViews extends FeaturePlaces {
  /** Ids of the question, for queries with a text; at least one, and for a single view. */
  text?: readonly number[] | undefined;
}

/** Values that the steps of one batch share. */
interface Batch {
  recorder: Recorder;
  buffers: Buffers;
  features: Tensor; // [B * S, D]
  views: QueriedViews;
  /** The queries of each view, then the tokens of the question. */
  z: Tensor; // [B * Q + n, C]
}

type Gpu = Pick<GpuMemory, "upload">;

/** Records the transformer of learned queries. Weights belong to the caller. */
export class Queries {
  readonly #gpu: Gpu;
  readonly #weights: Weights;
  readonly #spec: QueriesSpec;

  constructor(gpu: Gpu, weights: Weights, spec: QueriesSpec) {
    this.#gpu = gpu;
    this.#weights = weights;
    this.#spec = spec;
  }

  /**
   * Records all steps.
   *
   * @param features [B * S, D]
   * @param scratch owns the result and intermediate tensors, until the work is submitted
   * @returns [B * Q, C]
   */
  record(recorder: Recorder, features: Tensor, views: QueriedViews, scratch: Arena): Tensor {
    const { count, width, steps } = this.#spec;
    const buffers = new Buffers(this.#gpu, scratch);
    const batch = { recorder, buffers, features, views, z: this.#rows(recorder, buffers, views) };
    for (const step of steps) {
      if (step.op === "norm") this.#norm(batch, step);
      else if (step.op === "attend") this.#attend(batch, step);
      else this.#mlp(batch, step);
    }
    return view(batch.z, [views.count * count, width]);
  }

  /** The rows before the first step. */
  #rows(recorder: Recorder, buffers: Buffers, { count: views, text }: QueriedViews): Tensor {
    const { slot, count, width, text: spec } = this.#spec;
    const ids = spec && text ? text.slice(-spec.maxTokens) : [];
    assert(ids.length === 0 || views === 1, `a question for ${views} views at once`);
    const z = buffers.tensor("query rows", [views * count + ids.length, width]);
    const queries = this.#weights.get(`${slot}.queries`);
    for (let i = 0; i < views; i++) copyRows(recorder, { x: queries, y: z, xRow: 0, yRow: i * count, rows: count });
    if (ids.length === 0) return z;
    const words = buffers.tensor("words of the question", [ids.length, width]);
    const own = buffers.upload("ids of the question", [ids.length], Uint32Array.from(ids));
    tokenEmbed(recorder, { ids: own, weight: this.#weights.matrix(`${slot}.words`), y: words });
    const places = this.#weights.get(`${slot}.places`);
    copyRows(recorder, { x: places, y: words, xRow: 0, yRow: 0, rows: ids.length, accumulate: true });
    copyRows(recorder, { x: words, y: z, xRow: 0, yRow: views * count, rows: ids.length });
    return z;
  }

  /** Runs a step on the rows that it changes. The tokens are copied out and back: views begin at multiples of 256 bytes. */
  #onRows({ recorder, buffers, z, views }: Batch, rows: QueryNorm["rows"], run: (x: Tensor) => void): void {
    const [all, width] = z.shape as [number, number];
    const first = views.count * this.#spec.count;
    if (rows !== "text") {
      run(rows === "queries" ? view(z, [first, width]) : z);
      return;
    }
    if (all === first) return;
    const text = buffers.tensor("rows of the question", [all - first, width]);
    copyRows(recorder, { x: z, y: text, xRow: first, yRow: 0, rows: all - first });
    run(text);
    copyRows(recorder, { x: text, y: z, xRow: 0, yRow: first, rows: all - first });
  }

  #norm(batch: Batch, { slot, rows, eps }: QueryNorm): void {
    const { recorder, buffers } = batch;
    this.#onRows(batch, rows, (x) => {
      const before = buffers.tensor("rows before their norm", x.shape);
      copyRows(recorder, { x, y: before, xRow: 0, yRow: 0, rows: x.shape[0]! });
      this.#normed(recorder, slot, before, x, eps);
    });
  }

  #attend(batch: Batch, step: QueryAttention): void {
    this.#onRows(batch, step.rows, (z) => this.#attendRows(batch, z, step));
  }

  #attendRows(batch: Batch, z: Tensor, step: QueryAttention): void {
    const { recorder, buffers, views } = batch;
    const { slot, heads, positions, replaces = false } = step;
    const [rows, width] = z.shape as [number, number];
    const { headWidth = width / heads } = step;
    const x = this.#maybeNormed(batch, `${slot}.norm`, z, step.normEps);
    const { read, rows: keys, before } = this.#read(batch, x, step);
    const each = positions && { ...views, table: positions, width, queries: this.#spec.count };
    const queried = each ? addPositions(recorder, buffers, this.#weights, x, { ...each, of: "queries" }) : x;
    const keyed = each ? addPositions(recorder, buffers, this.#weights, read, { ...each, of: "keys", before }) : read;
    const product = (name: string, input: Tensor) => {
      const y = buffers.tensor(`query rows, ${name}`, [input.shape[0]!, heads * headWidth]);
      linear(recorder, { x: input, ...this.#layer(`${slot}.${name}`), y });
      return this.#headsNormed(
        batch,
        `${slot}.${name}Norm`,
        y,
        headWidth,
        name === "value" ? undefined : step.qkNormEps,
      );
    };
    const y = buffers.tensor("attended", [rows, heads * headWidth]);
    const own = rows / views.count;
    const visible = buffers.upload(`rows that a query sees of ${keys}`, [rows, 2], rangesOf(views.count, own, keys));
    const sizes = {
      rows,
      keys: views.count * keys,
      heads,
      keyHeads: heads,
      headWidth,
      scale: 1 / Math.sqrt(headWidth),
    };
    const operands = { q: product("query", queried), k: product("key", keyed), v: product("value", read) };
    attention(recorder, { ...operands, y, visible, ...sizes });
    linear(recorder, { x: y, ...this.#layer(`${slot}.out`), y: z, accumulate: !replaces });
  }

  /** Rows of heads [T, H D] after a LayerNorm of every head; without an epsilon as they are. */
  #headsNormed(batch: Batch, name: string, x: Tensor, headWidth: number, eps: number | undefined): HeadRows {
    const [rows, stride] = x.shape as [number, number];
    const heads = this.#maybeNormed(batch, name, view(x, [(rows * stride) / headWidth, headWidth]), eps);
    return { tensor: view(heads, [rows, stride]), stride, offset: 0 };
  }

  /** The rows that yield keys and values, their number in each view, and the number before its features. */
  #read(batch: Batch, x: Tensor, { slot, reads, featureNormEps }: QueryAttention) {
    const { recorder, buffers, features, views } = batch;
    if (reads === "rows") return { read: x, rows: x.shape[0]! / views.count, before: 0 };
    const normed = this.#maybeNormed(batch, `${slot}.featureNorm`, features, featureNormEps);
    const each = features.shape[0]! / views.count;
    if (reads === "features") return { read: normed, rows: each, before: 0 };
    const { count } = this.#spec;
    const read = buffers.tensor("queries and features", [views.count * (count + each), x.shape[1]!]);
    for (let i = 0; i < views.count; i++) {
      const yRow = i * (count + each);
      copyRows(recorder, { x, y: read, xRow: i * count, yRow, rows: count });
      copyRows(recorder, { x: normed, y: read, xRow: i * each, yRow: yRow + count, rows: each });
    }
    return { read, rows: count + each, before: count };
  }

  #mlp(batch: Batch, step: QueryMlp): void {
    const { recorder, buffers } = batch;
    const { slot, width, activation, gated, innerNormEps } = step;
    this.#onRows(batch, step.rows, (z) => {
      const rows = z.shape[0]!;
      const x = this.#maybeNormed(batch, `${slot}.norm`, z, step.normEps);
      const middle = buffers.tensor("query rows, middle", [rows, width]);
      if (gated) {
        const gateUp = buffers.tensor("query rows, gate and up", [rows, 2 * width]);
        linear(recorder, { x, ...this.#layer(`${slot}.gateUp`), y: gateUp });
        gate(recorder, { gateUp, activation, y: middle });
      } else linear(recorder, { x, ...this.#layer(`${slot}.up`), y: middle, activation });
      const inner = this.#maybeNormed(batch, `${slot}.innerNorm`, middle, innerNormEps);
      linear(recorder, { x: inner, ...this.#layer(`${slot}.down`), y: z, accumulate: true });
    });
  }

  /** `x` after a LayerNorm, in a buffer of its own; `x` itself without an epsilon. */
  #maybeNormed({ recorder, buffers }: Batch, name: string, x: Tensor, eps: number | undefined): Tensor {
    if (eps === undefined) return x;
    const y = buffers.tensor(name.slice(name.lastIndexOf(".")), x.shape);
    this.#normed(recorder, name, x, y, eps);
    return y;
  }

  #normed(recorder: Recorder, name: string, x: Tensor, y: Tensor, eps: number): void {
    const [weight, bias] = ["weight", "bias"].map((part) => this.#weights.get(`${name}.${part}`));
    layerNorm(recorder, { x, weight: weight!, bias: bias!, y, eps });
  }

  #layer(name: string): { weight: Matrix; bias: Tensor | undefined } {
    return { weight: this.#weights.matrix(`${name}.weight`), bias: this.#weights.find(`${name}.bias`) };
  }
}

/** Key ranges: each of the `rows` rows of a view sees the `keys` rows of its view. [views * rows, 2] */
function rangesOf(views: number, rows: number, keys: number): Uint32Array {
  const ranges = new Uint32Array(2 * views * rows);
  for (let t = 0; t < views * rows; t++) {
    const start = Math.floor(t / rows) * keys;
    ranges.set([start, start + keys], 2 * t);
  }
  return ranges;
}
