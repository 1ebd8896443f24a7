/**
 * The decoder: layers of attention, short convolutions or recurrent states, and MLPs, over a KV cache. Prompts run in
 * chunks of rows, generated tokens one row at a time. prompt-rows.ts builds prompts; kernels/sample.ts chooses tokens.
 */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { addScaled } from "../../kernels/add-scaled.ts";
import type { DecodePartials } from "../../kernels/attention-decode.ts";
import { headGate } from "../../kernels/head-gate.ts";
import { layerNorm } from "../../kernels/layer-norm.ts";
import { linear } from "../../kernels/linear.ts";
import { rmsNorm } from "../../kernels/rms-norm.ts";
import { axesOf } from "../../kernels/rope.ts";
import { softCap } from "../../kernels/soft-cap.ts";
import { tokenEmbed } from "../../kernels/token-embed.ts";
import type { AttentionSpec, DecoderSpec, LayerSpec } from "../../spec/model-spec.ts";
import { RECURRENT } from "../late-parts.ts";
import type { Weights } from "../load/fill.ts";
import { type Beside, BesideKeys, recordCross } from "./cross-layer.ts";
import type { KvCache } from "./kv-cache.ts";
import { type LayerAttention, plainAttention } from "./layer-attention.ts";
import { gatedProduct, type ProductInput, qkvRope } from "./layer-products.ts";
import { LearnedPositions } from "./learned-positions.ts";
import { type ChunkRun, PictureWeights } from "./picture-weights.ts";
import { RopeTable } from "./rope-table.ts";
import type { SlotStep } from "./state-slots.ts";
import { MAX_MLP_ROWS, makeWorkspace, mixingWidth, type Workspace } from "./workspace.ts";

export interface ForwardArgs {
  /** For RoPE, each below `Decoder.positions`. */
  positions: Tensor; // [axes, T] u32
  /**
   * For each of `Decoder.windows`, the rows of the cache that row t sees, half-open; ends past start + T count as start
   * + T.
   */
  visible: readonly Tensor[]; // [T, 2] u32
  cache: KvCache;
  /** Row of the cache that the first row becomes. */
  start: number;
  /** Picture rows of the chunk, for a decoder with weights of their own for them. */
  pictureRuns?: readonly ChunkRun[] | undefined;
  /** Pictures beside the prompt, for a decoder that reads them; without it no row sees any. */
  beside?: Beside | undefined;
  /** Called after each layer; may record more work on the hidden states. */
  afterLayer?: ((layer: number) => void) | undefined;
  /** Attention of the layers, such as an `Inhibitor` of the sequence in the cache; plain by default. */
  attention?: LayerAttention | undefined;
}

interface LayerArgs extends Omit<ForwardArgs, "cache" | "afterLayer"> {
  rows: number;
  slots: SlotStep;
  cache: Tensor; // of `KvCache.layers`
  partials: DecodePartials | undefined;
}

/** The output of a half of a layer: the product of `x` with the matrix of this name. */
interface Addend {
  x: Tensor;
  product: string;
  /** The norm of the sum's second part, and its gate. */
  norm: string;
  gate: string;
}

/** Records the decoder's layers. Weights and caches belong to the caller. */
export class Decoder {
  readonly spec: DecoderSpec;
  /** The most rows of a chunk. */
  readonly chunkRows: number;
  /** Number of RoPE positions, from 0. */
  readonly positions: number;
  /** Axes of a row's position: 1, or more with M-RoPE. */
  readonly axes: number;
  /** The caller fits it to each prompt before it runs. */
  readonly rope: RopeTable;
  /** The different sliding windows of the layers; undefined for layers without one. */
  readonly windows: readonly (number | undefined)[];
  /** Keeps pictures beside the sequence, for a decoder that reads them there. */
  readonly beside: BesideKeys | undefined;
  /** RoPE tables of layers with a RoPE of their own. */
  readonly #ropes = new Map<unknown, RopeTable>();
  readonly #weights: Weights;
  readonly #space: Workspace;
  readonly #pictures: PictureWeights | undefined;
  readonly #learned: LearnedPositions | undefined;

  /** Takes its buffers from `arena`, which owns them. `positions`: RoPE positions that may occur, from 0. */
  constructor(
    gpu: Pick<GpuMemory, "upload">,
    arena: Arena,
    weights: Weights,
    spec: DecoderSpec,
    { chunkRows, positions }: { chunkRows: number; positions: number },
  ) {
    this.spec = spec;
    this.chunkRows = chunkRows;
    this.positions = positions;
    this.axes = axesOf(spec.rope.axisOfPair);
    this.windows = [...new Set(spec.layers.flatMap(({ attention }) => (attention ? [attention.window] : [])))];
    this.#weights = weights;
    this.#space = makeWorkspace(arena, spec, chunkRows);
    if (spec.pictureWeights) this.#pictures = new PictureWeights(arena, weights, spec, chunkRows);
    if (spec.beside) this.beside = new BesideKeys(arena, weights, spec, spec.beside);
    if (spec.learnedPositions)
      this.#learned = new LearnedPositions(gpu, arena, weights, { ...spec.learnedPositions, chunkRows });
    this.rope = new RopeTable(gpu, arena, spec.rope, positions);
    for (const { attention } of spec.layers)
      if (attention?.rope && !this.#ropes.has(attention.rope))
        this.#ropes.set(attention.rope, new RopeTable(gpu, arena, attention.rope, positions));
  }

  /** The first `rows` rows of the chunk's hidden states, [rows, W], which `embed` and `forward` work on. */
  hidden(rows: number): Tensor {
    return view(this.#space.hidden, [rows, this.spec.width]);
  }

  /**
   * Writes token embeddings into the hidden states, except in rows of `NO_TOKEN`, which image tokens fill. @param ids
   * [T] u32
   */
  embed(recorder: Recorder, ids: Tensor): void {
    const y = this.hidden(ids.shape[0]!);
    tokenEmbed(recorder, { ids, weight: this.#weights.matrix("decoder.embed"), y, factor: this.spec.embedFactor });
  }

  /** Runs all layers on T rows of hidden states and appends their keys and values; the caller advances the cache. */
  forward(recorder: Recorder, { cache, ...args }: ForwardArgs): void {
    const { partials } = cache;
    const rows = args.positions.shape[1]!;
    const slots = cache.slots(args.start);
    this.#learned?.add(recorder, args.positions, this.hidden(rows));
    for (const [layer, kept] of cache.layers.entries()) {
      this.#layer(recorder, layer, { ...args, rows, slots, cache: kept, partials });
      args.afterLayer?.(layer);
    }
  }

  /**
   * Logits of rows of the hidden states, after `forward`.
   *
   * @param logits [rows, V], the caller's
   */
  logits(recorder: Recorder, hidden: Tensor, logits: Tensor): void {
    const { logitFactor: factor, logitCap: cap } = this.spec;
    const input = this.#normed(recorder, hidden, "decoder.norm");
    const head = { weight: this.#weights.matrix("decoder.head"), bias: this.#weights.find("decoder.head.bias") };
    linear(recorder, { ...input, ...head, y: logits, factor });
    if (cap !== undefined) softCap(recorder, { values: logits, cap });
  }

  /**
   * The norm of rows, as input of `linear`. The RMS norm of one row is part of the product that reads it, which saves a
   * dispatch, unless two products read it. Several rows need a dispatch for the norm. So does one row on software
   * adapters, where every load is expensive. A gated product [9728, 896] took 57 ms with the norm inside and 29
   * without, the norm alone 0.5.
   */
  #normed(
    recorder: Recorder,
    x: Tensor,
    name: string,
    { isShared = false, runs = [] }: { isShared?: boolean; runs?: readonly ChunkRun[] | undefined } = {},
  ): ProductInput {
    const { eps, layerNorms } = this.spec;
    const norm = { weight: this.#weights.get(`${name}.weight`), eps };
    if (x.shape[0] === 1 && !layerNorms && !isShared && !runs.length && !recorder.capabilities.software)
      return { x, norm };
    const y = view(this.#space.normed, x.shape);
    if (layerNorms) layerNorm(recorder, { x, ...norm, bias: this.#weights.get(`${name}.bias`), y });
    else rmsNorm(recorder, { x, ...norm, y });
    this.#pictures?.norm(recorder, name, x, y, runs);
    return { x: y };
  }

  #layer(recorder: Recorder, layer: number, args: LayerArgs): void {
    const spec = this.spec.layers[layer]!;
    const name = `decoder.layers.${layer}`;
    const hidden = this.hidden(args.rows);
    const input = (norm: string, isShared: boolean) =>
      spec.norms === "after"
        ? { x: hidden }
        : this.#normed(recorder, hidden, norm, { isShared, runs: args.pictureRuns });
    // Cross-attention to nothing adds nothing.
    if (spec.cross && !args.beside?.rows) {
      this.#mlp(recorder, name, spec, input(`${name}.norm2`, false), hidden);
      return;
    }
    const first = input(`${name}.norm1`, spec.norms === "shared" || spec.kind === "delta");
    const x = this.#mix(recorder, layer, first, args);
    const names = { product: `${name}.out`, norm: `${name}.norm1After`, gate: `${name}.gate1` };
    this.#add(recorder, spec, hidden, { x, ...names });
    const second = spec.norms === "shared" ? first : input(`${name}.norm2`, false);
    this.#mlp(recorder, name, spec, second, hidden);
  }

  /** The first half of a layer, before its last product. */
  #mix(recorder: Recorder, layer: number, input: ProductInput, args: LayerArgs): Tensor {
    const spec = this.spec.layers[layer]!;
    const name = `decoder.layers.${layer}`;
    if (spec.attention) return this.#attend(recorder, layer, spec.attention, input, args);
    if (spec.convolution) return this.#convolve(recorder, name, spec.convolution.taps, input, args);
    const { cache, slots, beside } = args;
    const own = { input, name, weights: this.#weights, space: this.#space, eps: this.spec.eps };
    if (spec.cross) return recordCross(recorder, spec.cross, { ...own, cache, beside: beside! });
    return RECURRENT.now.recordDelta(recorder, spec.delta, { ...own, state: cache, slots });
  }

  /**
   * Adds the output of a half of a layer to the hidden states, after its norm if the layer has norms after its halves.
   */
  #add(
    recorder: Recorder,
    { norms, residualFactor: factor, gates }: LayerSpec,
    hidden: Tensor,
    { x, ...names }: Addend,
  ): void {
    const weight = this.#weights.matrix(`${names.product}.weight`);
    const bias = this.#weights.find(`${names.product}.bias`);
    if (norms !== "after" && norms !== "both" && !gates) {
      linear(recorder, { x, weight, bias, y: hidden, accumulate: true, factor });
      return;
    }
    // The normed rows have been read.
    const y = view(this.#space.normed, hidden.shape);
    linear(recorder, { x, weight, bias, y });
    if (gates) {
      addScaled(recorder, { x: y, scale: this.#weights.get(names.gate), y: hidden, isGate: true });
      return;
    }
    const norm = { weight: this.#weights.get(`${names.norm}.weight`), eps: this.spec.eps };
    rmsNorm(recorder, { x: y, ...norm, y: hidden, accumulate: true });
  }

  /** Adds the MLP of the rows to the hidden states, in blocks of as many rows as its buffers have. */
  #mlp(recorder: Recorder, name: string, spec: LayerSpec, input: ProductInput, hidden: Tensor): void {
    const [rows, width] = hidden.shape as [number, number];
    for (let first = 0; first < rows; first += MAX_MLP_ROWS) {
      const shape = [Math.min(MAX_MLP_ROWS, rows - first), width];
      const part = { ...input, x: view(input.x, shape, first * width) };
      const y = this.#mlpRows(recorder, name, spec, part);
      const target = view(hidden, shape, first * width);
      const names = { product: `${name}.down`, norm: `${name}.norm2After`, gate: `${name}.gate2` };
      this.#add(recorder, spec, target, { x: y, ...names });
    }
  }

  #mlpRows(recorder: Recorder, name: string, { mlp }: LayerSpec, input: ProductInput): Tensor {
    const { width, activation = "silu", gated = true } = mlp;
    const rows = input.x.shape[0]!;
    const y = view(this.#space.mlp, [rows, width]);
    if (gated) {
      const weight = this.#weights.matrix(`${name}.gateUp.weight`);
      const scratch = view(this.#space.gateUp, [rows, 2 * width]);
      gatedProduct(recorder, { input, weight, activation, y, scratch });
    } else {
      const [weight, bias] = [this.#weights.matrix(`${name}.up.weight`), this.#weights.find(`${name}.up.bias`)];
      linear(recorder, { ...input, weight, bias, y, activation });
    }
    return y;
  }

  /** The gated convolution of the rows, [T, W]. */
  #convolve(recorder: Recorder, name: string, taps: number, input: ProductInput, args: LayerArgs): Tensor {
    const { rows, cache, start } = args;
    const { width } = this.spec;
    const bcx = view(this.#space.mixing, [rows, 3 * width]);
    const y = view(this.#space.mixed, [rows, width]);
    linear(recorder, { ...input, weight: this.#weights.matrix(`${name}.in.weight`), y: bcx });
    const weight = view(this.#weights.get(`${name}.conv.weight`), [width, taps]);
    RECURRENT.now.shortConv(recorder, { bcx, weight, state: cache, y, firstRow: start });
    return y;
  }

  /** Attention of the rows, [T, H D]. */
  #attend(recorder: Recorder, layer: number, spec: AttentionSpec, input: ProductInput, args: LayerArgs): Tensor {
    const { rows, positions, visible, cache, partials, start, pictureRuns = [], attention = plainAttention } = args;
    const { heads, keyHeads, headWidth, scale = 1 / Math.sqrt(headWidth), cap, outputGate } = spec;
    const queryPitch = outputGate ? 2 : 1;
    const space = this.#space;
    const name = `decoder.layers.${layer}`;
    const q = view(space.q, [rows, heads * headWidth]);
    const y = view(space.mixed, [rows, heads * headWidth]);
    const table = (spec.rope && this.#ropes.get(spec.rope)) ?? this.rope;
    const scratch = view(space.mixing, [rows, mixingWidth(this.spec.layers[layer]!, this.spec.width)]);
    qkvRope(recorder, {
      input,
      weight: this.#weights.matrix(`${name}.qkv.weight`),
      bias: this.#weights.find(`${name}.qkv.bias`),
      norms: this.#headNorms(name),
      scratch,
      queryPitch,
      change:
        pictureRuns.length > 0
          ? (qkv) => this.#pictures?.keyValues(recorder, name, input.x, qkv, pictureRuns)
          : undefined,
      positions: spec.rope ? view(positions, [1, rows]) : positions,
      axisOfPair: spec.rope === undefined ? this.spec.rope.axisOfPair : undefined,
      table: table.tensor,
      turns: spec.rope !== null,
      grows: table.grows,
      q,
      cache,
      cacheRow: start,
      heads,
      keyHeads,
      headWidth,
    });
    const cached = { tensor: cache, stride: 2 * keyHeads * headWidth };
    attention.record(recorder, layer, {
      q: { tensor: q, stride: heads * headWidth, offset: 0 },
      k: { ...cached, offset: 0 },
      v: { ...cached, offset: keyHeads * headWidth },
      visible: visible[this.windows.indexOf(spec.window)]!,
      y,
      rows,
      chunkRow: start,
      keys: start + rows,
      heads,
      keyHeads,
      headWidth,
      scale,
      cap,
      partials,
    });
    const pitch = queryPitch * headWidth;
    if (outputGate) headGate(recorder, { x: y, gate: scratch, offset: headWidth, pitch, headWidth });
    return y;
  }

  /** Norms of the heads of queries and keys, in models that have them. */
  #headNorms(layer: string) {
    const queryWeight = this.#weights.find(`${layer}.qNorm.weight`);
    return (
      queryWeight && {
        queryWeight,
        keyWeight: this.#weights.get(`${layer}.kNorm.weight`),
        queryBias: this.#weights.find(`${layer}.qNorm.bias`),
        keyBias: this.#weights.find(`${layer}.kNorm.bias`),
        eps: this.spec.eps,
      }
    );
  }
}
