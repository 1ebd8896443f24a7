/**
 * Cross-attention to rows of pictures beside the prompt (Flamingo, Alayrac et al. 2022). Their keys and values are
 * made once, when the prompt's chunk with the picture's placeholder runs, and stay in the layer's cache.
 */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { copyRows } from "../../kernels/copy-rows.ts";
import { linear } from "../../kernels/linear.ts";
import { rmsNorm } from "../../kernels/rms-norm.ts";
import type { BesideSpec, CrossSpec } from "../../spec/cross-spec.ts";
import type { DecoderSpec } from "../../spec/model-spec.ts";
import type { Weights } from "../load/fill.ts";
import type { BesideRun } from "./beside-rows.ts";
import { attend } from "./layer-attention.ts";
import type { ProductInput } from "./layer-products.ts";
import type { Workspace } from "./workspace.ts";

/** Rows of a picture that go through the products at once, at most: a resampler's 64 or 144 do, in one or two steps. */
const MAX_ROWS = 128;

/** The picture rows beside the prompt that a chunk's rows see. */
export interface Beside {
  visible: Tensor; // [T, 2] u32
  /** Rows of the caches that are written. */
  rows: number;
}

export interface CrossArgs {
  /** Rows of a chunk. */
  input: ProductInput; // [T, W]
  /** Of the layer, before the names of its weights. */
  name: string;
  weights: Weights;
  space: Workspace;
  cache: Tensor; // [rows beside the prompt, 2 H D]
  beside: Beside;
  eps: number;
}

/** Records attention of a chunk's rows, [T, H D], before the product that leads out of the layer's half. */
export function recordCross(recorder: Recorder, { heads, headWidth }: CrossSpec, args: CrossArgs): Tensor {
  const { input, name, weights, space, cache, beside, eps } = args;
  const rows = input.x.shape[0]!;
  const stride = heads * headWidth;
  let q = view(space.q, [rows, stride]);
  linear(recorder, { ...input, weight: weights.matrix(`${name}.query.weight`), y: q });
  const weight = weights.find(`${name}.qNorm.weight`);
  if (weight) {
    const normed = view(space.mixing, [rows * heads, headWidth]);
    rmsNorm(recorder, { x: view(q, normed.shape), weight, eps, y: normed });
    q = view(normed, q.shape);
  }
  const y = view(space.mixed, [rows, stride]);
  const cached = { tensor: cache, stride: 2 * stride };
  attend(recorder, {
    q: { tensor: q, stride, offset: 0 },
    k: { ...cached, offset: 0 },
    v: { ...cached, offset: stride },
    visible: beside.visible,
    y,
    rows,
    chunkRow: 0,
    keys: beside.rows,
    heads,
    keyHeads: heads,
    headWidth,
    scale: 1 / Math.sqrt(headWidth),
    // A row sees one picture, whatever the cache holds: there is nothing to split.
    partials: undefined,
  });
  return y;
}

/** Makes keys and values of pictures' rows. */
export class BesideKeys {
  readonly #weights: Weights;
  readonly #spec: DecoderSpec;
  readonly #rows: Tensor; // [R, C]
  readonly #made: Tensor; // [R, H D]
  readonly #normed: Tensor; // [R, H D]

  /** Takes its buffers from `arena`, which owns them. */
  constructor(arena: Arena, weights: Weights, spec: DecoderSpec, { width }: BesideSpec) {
    this.#weights = weights;
    this.#spec = spec;
    const widest = Math.max(...spec.layers.map(({ cross }) => (cross ? cross.heads * cross.headWidth : 1)));
    this.#rows = arena.tensor("rows beside the prompt", [MAX_ROWS, width]);
    this.#made = arena.tensor("rows beside the prompt, products", [MAX_ROWS, widest]);
    this.#normed = arena.tensor("rows beside the prompt, normed", [MAX_ROWS, widest]);
  }

  /** Writes keys and values of a picture's rows into the caches of all layers. @param caches of `KvCache.layers` */
  record(recorder: Recorder, { tensor, first, count, place }: Omit<BesideRun, "row">, caches: readonly Tensor[]): void {
    for (let done = 0; done < count; done += MAX_ROWS) {
      const rows = Math.min(MAX_ROWS, count - done);
      copyRows(recorder, { x: tensor, y: this.#rows, xRow: first + done, yRow: 0, rows });
      this.#recordRows(recorder, rows, place + done, caches);
    }
  }

  /** Records what `record` does with so many rows, for compiling ahead. */
  rehearse(recorder: Recorder, rows: number, caches: readonly Tensor[]): void {
    for (const count of new Set([Math.min(rows, MAX_ROWS), rows % MAX_ROWS]))
      if (count > 0) this.#recordRows(recorder, count, 0, caches);
  }

  #recordRows(recorder: Recorder, rows: number, place: number, caches: readonly Tensor[]): void {
    for (const [layer, { cross }] of this.#spec.layers.entries()) {
      if (!cross) continue;
      const [name, y] = [`decoder.layers.${layer}`, caches[layer]!];
      const stride = cross.heads * cross.headWidth;
      const target = { y, xRow: 0, yRow: place, rows };
      let made = this.#product(recorder, `${name}.key.weight`, rows, stride);
      const weight = this.#weights.find(`${name}.kNorm.weight`);
      if (weight) {
        const normed = view(this.#normed, [rows * cross.heads, cross.headWidth]);
        rmsNorm(recorder, { x: view(made, normed.shape), weight, eps: this.#spec.eps, y: normed });
        made = view(normed, made.shape);
      }
      copyRows(recorder, { x: made, ...target, yColumn: 0 });
      copyRows(recorder, {
        x: this.#product(recorder, `${name}.value.weight`, rows, stride),
        ...target,
        yColumn: stride,
      });
    }
  }

  #product(recorder: Recorder, name: string, rows: number, width: number): Tensor {
    const y = view(this.#made, [rows, width]);
    linear(recorder, { x: view(this.#rows, [rows, this.#rows.shape[1]!]), weight: this.#weights.matrix(name), y });
    return y;
  }
}
